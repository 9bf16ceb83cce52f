//! The same thresholds, compiled to a program and run in the virtual machine.

use crate::cover::case;
use crate::random::Random;
use kernscope_kit::compile::{self, Host, LoopShape, Options, Target, compile};
use kernscope_kit::vm::{Input, Vm};
use kernscope_sieve::frequency::Filter;

#[test]
fn the_compiled_program_says_the_same() {
    let mut random = Random(4);
    for _ in 0..400 {
        let (filter, data) = case(&mut random);
        let wanted = compile::Filter::content(filter.content());
        let options = Options::new(Target::Vm, Host::new(LoopShape::MayGoto));
        let compiled = compile(&wanted, &options).expect("compiles");
        assert!(data.len() <= compiled.limit_bytes() as usize, "all data is looked at");
        let mut vm = Vm::new(&compiled.program).expect("is valid");
        let returned = vm.run(Input::Memory(&mut data.clone())).expect("runs");
        let says = Target::Vm.is_match(returned as u32, compiled.options().on_match);
        assert_eq!(filter.is_match(&data), says, "{filter:?} on {}", data.escape_ascii());
        let again = Filter::from_content(&filter.content()).expect("is thresholds");
        assert_eq!(again, filter);
    }
}
