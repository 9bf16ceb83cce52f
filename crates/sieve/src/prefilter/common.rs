//! Four bytes in a row that are common in text.
//!
//! What follows what, byte by byte, makes `data` and `form` look rarer than they are: words are not chance.

use std::collections::HashMap;

/// Grams, one behind the other, and how seldom they are: one in two to the power of this. Printed by the example
/// `common_grams` over sources in Rust, C, Python and Perl and over documentation.
#[rustfmt::skip]
const COMMON: [(i32, &str); 5] = [
    (10, "tion"),
    (11, "ableatiocodeconsctioeturfileionsmentnameonstretuselfsionstrithisturntypewith"),
    (12, "\
(sel----alueatedbjeccallcharchecclascommcompcontcopydatadefidingefinelf.emeneraterroersifineformfromfuncheadheck\
ibutightimplinfoinstintejectlasslicelinelistmplenctinonenterobjeopenoptiormaportptioreadriburingrmatrrorrsioruct\
signsingsizespecstatstrutatitesttextthatthertimetingtribtrintrucunctvaluvers"),
    (13, "\
#def$sel(con.com.htm.org</a>_che_con_get_nam_set_str_typaderalloallyalseamesanceandlangeappearamargeargsarraarse\
asseatchatinatorattraultbackbasebiliboolbuilbutebytecatecaticensceptcesschancludconfcratcreacripctordatedebudefa\
dentdiredistduleeadeeateebugeck_ectiectoefauelf)elf,elseenamenceencoendienerenseenssentaentientsequeequierenermi\
ernaerveessaesulethoevenexceextefalsfaulferefferflagfreeftwageneget_gnedhandhanghashherehichhifthouthrefhtmlhttp\
icaticenifieigneilesilitimpoinclindeineding_ingsinitinpuion,ion.ion_irecistritemiterithoitiolagslatelatilemeless\
lf._linklityllowloadlocalocklongludemallmatcmbermethmodumporncluncodnderndexndleneraningnodenputnsslnstanumbocal\
oduloftwointonlyonteontroperopyrosslotheouldoundourcoverpackparaparspartpathpecipendpensperlpoinpresprinprocprov\
ps:/publpyriquirractrateratiratoreamreatrectref=rentrequreseressresurighrintriptrites://sagescrisertservshifsoft\
somesoursserssl_stanstarstresultsupptabltaintartteratermternthodthoutivetps:tputtractrantreatruetterttpsturetwar\
ubliumbeumenundeurceusedvaliventvoidwarewhenwhicwillworkwritxcepype(yrig"),
    (14, "\
\"nav#####[cf#end#inc&mut&sel(oss(sk)(sk,)ope*)op.get//gi/a></cod/git/li>/nod/spa0000://g::co::ne:new</co</li</p>\
</sp<cod<li><spa=\"na=====hea=ite></a></l[cfg_add_att_com_eq!_err_ext_fil_fla_fre_fun_inf_int_ite_lin_mod_new_obj\
_of(_par_pro_res_siz_sk__sta_val_vera></abilacceacheack_ackaackeacroacteactiaddiaddragesaisealidalizallballeame)\
ame,ame_amplapitapplaracarcharenarguariaarniartiasn1ass=ate:ate_ateratesaticativatteaturatusauseauthautob.cobina\
blesblicblocbrarbuffbuticachcapicaseccescertchincifick_ockagcketcleacloncloscodicom/condconnconvcorecouncrypcted\
ctercumecurrdecodeledeprderidersdescdetadiffditidocudoesdowse(skeachead1easeeatuecatecifecodeconecteectsedefeerr\
ef=\"eferefixeforegeregiselemeletelf-emovemplemptend(endeengtensient.ent_enteentrepreeptieq!(er::eralerivert_erti\
escreserespaespoesseessiestrestsetaieteretteeveleverexamexecexisexpeexpoexprextrf->{f=\"#failfeatffseficafiedfiel\
findfinifirsfollforefounfsetfullght:gistgithgiveglobgramgrougumeharahavehinghoulhreahub.i><aiablialiibraicalicod\
idedidenieldificiginilenimitinalindiindoinesing,ing.inglinliinseintoion(ion)ion:ionairstisinissiisteitalithuitte\
ivenize_izedk_ofk_tykagekingknowl_chl_sklacelanglastlbacleaslectleftlen(lenalengles:letelettlevelf):lf->li><libr\
likelimilinglizellballedllocllvmlobaloneloselowilse:lterluesmacrmainmakemandmarkmatimessmetamissmmanmodemodimore\
movempilmplamplimpremptymultmustnaryndefndenndifndinndowneednew(new_nextnfignfornglengthniconitinlesnlinnotenoti\
nse:nsignsionstrntaintatntedntegntenntexntinntrintrontrynullnverobalocatocesockeocumode.ode:ode>ode_odifodinoffs\
ograokenolloommaommeompaompiomplompronalondione)one,one:onfions.onseontaonveordeorg/orteositoticountoutpovidowin\
pacepan>parepasspdatpe(spectperapermpilepingpitaplacplatplemplicplieposeposippenpporprecprefprogpropprotptr)push\
pythquenquesquotraceraisramerangransrantraryrderrecarecoredireferefiregiremorencreprresprgetrgumrictriesrivernal\
rninrocerogrrom_ror(ror:rorsrotorouprovirranrrayrrenrserrt_ertedrverrypts=\"nsafesamescalsectsentsequset_shousk),\
sk_tsl_csl_ssmalsn1_socksortspacspansponss=\"ssagssedssiostacstd:stemsterstinstorsubssyncsystt_eqtacktailtalltanc\
tanttargtatetatutd::te::tegetemptenstenttersthanthenthesthinthonthorthrethubtialticetiestifitml\"toketoretorytrai\
treetrictrolttriub.cuestuffeuilduintuireulesultiunicunleunsiuppournsurreuserusinutilutioutpuvarivertvidewarnwarr\
wherwindwingwordwrapx509xampxistxpecxtenxtraypedypesysteytesythozero"),
];

/// Shares of text that the common grams have.
pub(super) struct Common(HashMap<&'static [u8], f64>);

impl Common {
    pub(super) fn new() -> Self {
        let grams = |&(class, text): &(i32, &'static str)| {
            let (grams, _) = text.as_bytes().as_chunks::<4>();
            grams.iter().map(move |gram| (&gram[..], f64::from(-class).exp2()))
        };
        Self(COMMON.iter().flat_map(grams).collect())
    }

    /// The share of a gram in lower case, or nothing where it is not common.
    pub(super) fn share(&self, gram: &[u8]) -> f64 {
        self.0.get(gram).copied().unwrap_or(0.0)
    }
}
