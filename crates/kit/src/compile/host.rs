//! What the kernel that a program is made for allows: how it may loop, and how it gets at a packet.

use super::{Target, window};
use crate::probe::{self, Helper, LoopShape};

/// A kernel to compile for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Host {
    /// How programs loop.
    pub shape: LoopShape,
    /// Whether an XDP program may copy its packet by a helper, in pieces or not; from 5.18.
    pub xdp_load_bytes: bool,
    /// Numbers of `bpf_iter_num_new`, `_next` and `_destroy`, for [`LoopShape::IterNum`].
    pub iterator: [u32; 3],
}

impl Host {
    /// A kernel that loops like this and of which nothing else is known; also the virtual machine.
    pub const fn new(shape: LoopShape) -> Host {
        Host { shape, xdp_load_bytes: false, iterator: [0; 3] }
    }

    /// The running kernel with the first shape of loop that loads there, in the order of [`LoopShape::ALL`]. Each is
    /// tried once in the life of the process. Where nothing can be loaded, it is what every kernel since 5.3 takes.
    ///
    /// # Privileges
    /// `CAP_BPF`, else the answer is the oldest kernel's.
    pub fn running() -> Host {
        let loads = |shape: &LoopShape| probe::loop_shape(*shape).is_yes();
        Host::running_with(LoopShape::ALL.into_iter().find(loads).unwrap_or(LoopShape::Bounded))
    }

    /// The running kernel, with this shape of loop whether it loads or not.
    pub fn running_with(shape: LoopShape) -> Host {
        let iterator = ["bpf_iter_num_new", "bpf_iter_num_next", "bpf_iter_num_destroy"];
        let numbers = iterator.map(|name| match shape {
            LoopShape::IterNum => probe::kfunc(name).unwrap_or(0),
            _ => 0,
        });
        Host { shape, xdp_load_bytes: probe::helper(Helper::XdpLoadBytes).is_yes(), iterator: numbers }
    }

    /// Longest data that is looked at, bytes. A program of many parts looks at less where the verifier follows every
    /// round, so as not to try its patience.
    pub fn limit_bytes(&self, target: Target) -> u32 {
        match (self.shape, target) {
            (LoopShape::Bounded, _) => 4_096,
            (_, Target::Buffer) => window::MOST_BYTES,
            (LoopShape::MayGoto | LoopShape::IterNum | LoopShape::BpfLoop, _) => 65_535,
        }
    }
}

/// CPUs that this machine can have, from `/sys/devices/system/cpu/possible`: the last number there, plus one.
pub fn possible_cpus() -> u32 {
    cpus("/sys/devices/system/cpu/possible")
}

/// CPUs that run now, up to the last of them. On many virtual machines they are far fewer than the [possible](possible_cpus) ones: where
/// memory for each is much, and one that comes later can go without, they are what to count.
pub fn online_cpus() -> u32 {
    cpus("/sys/devices/system/cpu/online")
}

fn cpus(list: &str) -> u32 {
    let last = std::fs::read_to_string(list)
        .ok()
        .and_then(|text| text.trim().rsplit([',', '-']).next().and_then(|last| last.parse::<u32>().ok()));
    let running = std::thread::available_parallelism().map_or(1, |count| count.get() as u32);
    last.map_or(running, |last| last.saturating_add(1)).clamp(1, 8192)
}
