#!/usr/lib/vm/busybox sh
# First process of a VM guest: makes the machine usable, runs the steps that the host wrote, powers off.
#
# /vm/steps has a line for each step: name, time limit in seconds, command; tabs between. What a step prints goes
# to the second serial port between two marked lines; the kernel's own messages stay on the first.

PATH=/usr/local/bin:/usr/bin:/usr/sbin:/usr/lib/vm
export PATH HOME=/root LC_ALL=C.UTF-8
busybox=/usr/lib/vm/busybox

$busybox mount -t proc -o nosuid,nodev,noexec proc /proc
$busybox mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
$busybox mount -t devtmpfs -o mode=0755,nosuid devtmpfs /dev
$busybox mkdir -p /dev/pts /dev/shm
$busybox mount -t devpts -o mode=0620,gid=5,nosuid,noexec devpts /dev/pts
$busybox mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs /dev/shm
$busybox mount -t tmpfs -o mode=0755,nosuid,nodev tmpfs /run
$busybox mount -t tmpfs -o mode=1777 tmpfs /tmp
$busybox mount -t tmpfs -o mode=1777 tmpfs /var/tmp
$busybox mount -t tracefs -o nosuid,nodev,noexec tracefs /sys/kernel/tracing
$busybox mount -t securityfs -o nosuid,nodev,noexec securityfs /sys/kernel/security
$busybox mount -t bpf -o nosuid,nodev,noexec,mode=0700 bpf /sys/fs/bpf
$busybox mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 /sys/fs/cgroup
$busybox ln -s /proc/self/fd /dev/fd
$busybox ln -s /proc/self/fd/0 /dev/stdin
$busybox ln -s /proc/self/fd/1 /dev/stdout
$busybox ln -s /proc/self/fd/2 /dev/stderr
$busybox --install -s /usr/lib/vm/applets
PATH=$PATH:/usr/lib/vm/applets

hostname vm
ip link set lo up
for module in /vm/modules/"$(uname -r)"/*.ko; do
    [ -e "$module" ] && insmod "$module"
done
dmesg -n 1

results=/dev/ttyS1
stty -F $results raw -echo
echo "@@ kernel $(uname -r)" >$results
tab=$(printf '\t')
while IFS=$tab read -r name limit_s command; do
    echo "@@ begin $name" >$results
    read -r began _ </proc/uptime
    timeout -s KILL "$limit_s" sh -c "$command" </dev/null >$results 2>&1
    status=$?
    read -r ended _ </proc/uptime
    echo "@@ end $name $status $((${ended%.*} - ${began%.*}))" >$results
done </vm/steps
echo "@@ done" >$results
sync
poweroff -f
