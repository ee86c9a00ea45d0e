#!/usr/bin/env bash
# boot.sh SCRIPT [options of systemd-nspawn...]: boots this machine's own root under its own systemd, on an
# overlay that takes every write and is thrown away, runs SCRIPT in it as root, prints what SCRIPT prints, and
# ends with its exit code (125: it could not be booted). Inside, /mnt/written holds what was written to the root.
# Needs root, systemd-container and dbus.
set -eu
script=$(readlink -f "$1")
shift
work=$(mktemp -d /dev/shm/wirewatch-box.XXXXXX)
groups=()
for tree in /sys/fs/cgroup/unified /sys/fs/cgroup/systemd /sys/fs/cgroup; do
    [ -w "$tree/cgroup.procs" ] && groups+=("$tree")
done
cleanup() {
    umount "$work/root" 2>/dev/null || true
    rm -rf "$work"
    for tree in "${groups[@]}"; do
        echo $$ >"$tree/cgroup.procs" || true
        find "$tree/wirewatch-box.$$" -depth -type d -exec rmdir {} \; 2>/dev/null || true
    done
}
trap cleanup EXIT
for tree in "${groups[@]}"; do
    mkdir "$tree/wirewatch-box.$$"
    echo $$ >"$tree/wirewatch-box.$$/cgroup.procs"
done
mkdir "$work"/{upper,work,root}
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/work" "$work/root"
root=$work/root
install -D -m 755 "$script" "$root/opt/box/script"
cat >"$root/etc/systemd/system/box.service" <<'UNIT'
[Unit]
After=basic.target dbus.service
SuccessAction=exit
FailureAction=exit
[Service]
Type=oneshot
Environment=HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ExecStart=/bin/bash -c '/opt/box/script >/opt/box/out 2>&1; echo $? >/opt/box/code'
TimeoutStartSec=1700
UNIT
echo "Environment=LONG=${LONG:-}" >>"$root/etc/systemd/system/box.service" # more, and slower
cat >"$root/etc/systemd/system/box.target" <<'UNIT'
[Unit]
Requires=basic.target box.service
Wants=dbus.service
After=basic.target
UNIT
rm -f "$root/etc/machine-id"
: >"$root/etc/machine-id"
SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 timeout 1800 systemd-nspawn --quiet --register=no --keep-unit \
    --directory="$root" --private-network --capability=CAP_BPF,CAP_NET_ADMIN,CAP_PERFMON \
    --system-call-filter=bpf --console=read-only --bind-ro="$work/upper:/mnt/written" "$@" \
    --boot systemd.unit=box.target systemd.show_status=0 </dev/null >"$work/log" 2>&1 || true
if [ ! -e "$root/opt/box/code" ]; then
    echo "the box did not boot:"
    tail -20 "$work/log"
    cat "$root/opt/box/out" 2>/dev/null || true
    exit 125
fi
cat "$root/opt/box/out"
exit "$(cat "$root/opt/box/code")"
