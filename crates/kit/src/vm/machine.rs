//! A run: the state beside registers and place, and calls of every sort.

use super::code::Op;
use super::error::{Fault, VmError};
use super::frame::{Callback, Caller, MAX_LOOPS};
use super::memory::{Space, frame_end, function_start};
use super::{Code, Fill, World, helpers, kfunc};
use crate::program::MapType;

/// Registers; 11 to 15 are never used, so that four bits are always an index.
pub(super) type Regs = [u64; 16];

/// Tail calls that may follow one another, as in the kernel.
const MAX_TAIL_CALLS: u32 = 33;

const ENOENT: i64 = -2;
const E2BIG: i64 = -7;
const EINVAL: i64 = -22;

/// A run.
#[derive(Debug)]
pub(super) struct Machine<'a> {
    pub(super) space: Space<'a>,
    codes: &'a [Code],
    world: &'a mut World,
    callers: Vec<Caller>,
    /// Which program runs.
    code: usize,
    /// Where it stopped.
    stopped: usize,
    budget: u64,
    fill: Fill,
    tail_calls: u32,
    /// Rounds that `may_goto` has left in this frame.
    rounds: u32,
}

/// A program and a place in it.
type Place<'a> = (&'a [Op], usize);

impl<'a> Machine<'a> {
    pub(super) fn new(
        codes: &'a [Code],
        space: Space<'a>,
        world: &'a mut World,
        budget: u64,
        fill: Fill,
    ) -> Self {
        let callers = Vec::new();
        Machine {
            space,
            codes,
            world,
            callers,
            code: 0,
            stopped: 0,
            budget,
            fill,
            tail_calls: 0,
            rounds: MAX_LOOPS,
        }
    }

    /// Readies the first frame.
    pub(super) fn start(&mut self, regs: &mut Regs) -> Result<(), Fault> {
        regs[10] = self.space.push_frame(self.fill.stack)?;
        Ok(())
    }

    pub(super) fn place(&self) -> Place<'a> {
        (&self.codes[self.code].ops, 0)
    }

    pub(super) fn budget(&self) -> u64 {
        self.budget
    }

    pub(super) fn stop_at(&mut self, pc: usize) {
        self.stopped = pc;
    }

    /// The error with the instruction that it stopped at.
    pub(super) fn error(&self, fault: Fault) -> VmError {
        VmError::at(&self.codes[self.code].insns, self.stopped, fault)
    }

    /// The last `exit`.
    pub(super) fn end(&mut self, r0: u64, left: u64) -> Result<u64, Fault> {
        self.world.clock_ns += self.budget - left;
        match self.space.ring().open() {
            0 => Ok(r0),
            open => Err(Fault::Reserved(open)),
        }
    }

    pub(super) fn has_map(&self, op: &Op) -> Result<(), Fault> {
        let index = op.imm.cast_unsigned();
        let known = self.space.has_map(index);
        if known { Ok(()) } else { Err(Fault::Argument(index.into(), "map of the program")) }
    }

    /// Takes one round; whether there was none left.
    pub(super) fn rounds_are_over(&mut self) -> bool {
        let over = self.rounds == 0;
        self.rounds = self.rounds.saturating_sub(1);
        over
    }

    /// A call of a function: keeps what the caller needs again.
    pub(super) fn enter(
        &mut self,
        regs: &mut Regs,
        pc: usize,
        callback: Option<Callback>,
    ) -> Result<(), Fault> {
        let end = self.space.push_frame(self.fill.stack)?;
        let saved = [regs[6], regs[7], regs[8], regs[9]];
        self.callers.push(Caller { code: self.code, pc, saved, rounds: self.rounds, callback });
        self.rounds = MAX_LOOPS;
        regs[0] = self.fill.registers;
        regs[6..10].fill(self.fill.registers);
        regs[10] = end;
        Ok(())
    }

    /// `exit`: where the caller goes on, if there is one.
    pub(super) fn leave(&mut self, regs: &mut Regs) -> Result<Option<Place<'a>>, Fault> {
        let Some(caller) = self.callers.last_mut() else { return Ok(None) };
        if let Some(callback) = &mut caller.callback {
            callback.round += 1;
            if regs[0] == 0 && callback.round < callback.rounds {
                let callback = *callback;
                self.rounds = MAX_LOOPS;
                self.callback_args(regs, &callback);
                return Ok(Some((&self.codes[self.code].ops, callback.start)));
            }
            regs[0] = callback.round.into();
        }
        let caller = *caller;
        self.callers.pop();
        self.space.frames -= 1;
        regs[10] = frame_end(self.space.frames - 1);
        regs[6..10].copy_from_slice(&caller.saved);
        self.clobber(regs);
        (self.code, self.rounds) = (caller.code, caller.rounds);
        Ok(Some((&self.codes[self.code].ops, caller.pc)))
    }

    /// Calls a helper; where to go on.
    pub(super) fn call_helper(
        &mut self,
        regs: &mut Regs,
        helper: i64,
        next: Place<'a>,
        left: u64,
    ) -> Result<Place<'a>, Fault> {
        match helper {
            helpers::TAIL_CALL => self.tail_call(regs, next),
            helpers::LOOP => self.call_loop(regs, next),
            _ => {
                self.world.clock_ns += self.budget - left;
                self.budget = left;
                regs[0] = helpers::call(helper, &mut self.space, self.world, args(regs))?;
                self.clobber(regs);
                Ok(next)
            }
        }
    }

    pub(super) fn call_kfunc(&mut self, regs: &mut Regs, id: i32) -> Result<(), Fault> {
        let known = self.codes[self.code].kfuncs.iter().find(|(known, _)| *known == id);
        let (_, kfunc) = known.ok_or(Fault::Kfunc(id))?;
        regs[0] = kfunc::call(*kfunc, &mut self.space, args(regs))?;
        self.clobber(regs);
        Ok(())
    }

    /// `tail_call(context, program array, index)`: goes on after it if there is no such program.
    fn tail_call(&mut self, regs: &mut Regs, next: Place<'a>) -> Result<Place<'a>, Fault> {
        let (_, map) = self.space.map(regs[2])?;
        if map.kind() != MapType::ProgArray {
            return Err(Fault::Argument(regs[2], "program array"));
        }
        let program = map.program(regs[3] as u32).filter(|_| self.tail_calls < MAX_TAIL_CALLS);
        let context = regs[1];
        self.clobber(regs);
        let Some(program) = program else {
            regs[0] = ENOENT.cast_unsigned();
            return Ok(next);
        };
        self.tail_calls += 1;
        self.code = program;
        self.space.frames -= 1;
        regs.fill(self.fill.registers);
        regs[1] = context;
        regs[10] = self.space.push_frame(self.fill.stack)?;
        Ok((&self.codes[program].ops, 0))
    }

    /// `loop(rounds, function, context, flags)`
    fn call_loop(&mut self, regs: &mut Regs, next: Place<'a>) -> Result<Place<'a>, Fault> {
        let [rounds, function, context, flags, _] = args(regs);
        let (rounds, start) = (rounds as u32, function_start(function)?);
        let answer = match (flags, rounds) {
            (1.., _) => EINVAL,
            (0, 0) => 0,
            (0, _) if rounds > MAX_LOOPS => E2BIG,
            _ => {
                let callback = Callback { start, round: 0, rounds, context };
                self.enter(regs, next.1, Some(callback))?;
                self.callback_args(regs, &callback);
                return Ok((next.0, start));
            }
        };
        regs[0] = answer.cast_unsigned();
        self.clobber(regs);
        Ok(next)
    }

    fn callback_args(&self, regs: &mut Regs, callback: &Callback) {
        self.clobber(regs);
        (regs[1], regs[2]) = (callback.round.into(), callback.context);
    }

    /// After a call, the registers of its arguments hold nothing that a program may rely on.
    pub(super) fn clobber(&self, regs: &mut Regs) {
        regs[1..6].fill(self.fill.registers);
    }
}

fn args(regs: &Regs) -> [u64; 5] {
    [regs[1], regs[2], regs[3], regs[4], regs[5]]
}
