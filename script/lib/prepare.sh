# Sourced by ./signalbox and script/test: finds or installs everything they need, with visible progress on stderr.
#
#   Node.js >= 24    from PATH, else the official binary that the npm registry carries (runtime/package-lock.json pins
#                    version and integrity), kept in the cache folder
#   npm packages     `npm ci` beside package-lock.json
#   system tools     as root with apt-get; without root the same Debian packages are unpacked into the cache folder
#
# Exit status 3: something of this machine is missing that cannot be installed here; the message names it.
#
# shellcheck shell=bash

SIGNALBOX_ROOT=$(dirname "$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")")
SIGNALBOX_CACHE=${SIGNALBOX_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/signalbox}
SIGNALBOX_NODE=
NODE_FLOOR=24

say() { printf 'signalbox: %s\n' "$*" >&2; }
missing() {
  say "$*"
  exit 3
}

# Everything `./signalbox` needs. The common case is the first test: nothing changed since the last successful run.
prepare_to_run() {
  local stamp=$SIGNALBOX_ROOT/node_modules/.signalbox-ready
  use_unpacked_tools
  if stamp_is_fresh "$stamp" && system_tools_present; then
    read -r SIGNALBOX_NODE <"$stamp"
    if [ -x "$SIGNALBOX_NODE" ]; then
      start_environment
      return
    fi
  fi
  make_cache
  exec 9>"$SIGNALBOX_CACHE/prepare.lock"
  flock 9
  ensure_node
  ensure_packages --omit=dev
  ensure_system_tools
  printf '%s\n' "$SIGNALBOX_NODE" >"$stamp"
  exec 9>&-
  start_environment
}

# Everything script/test needs on top: development packages and the tools that only tests use.
prepare_to_test() {
  use_unpacked_tools
  make_cache
  exec 9>"$SIGNALBOX_CACHE/prepare.lock"
  flock 9
  ensure_node
  ensure_packages
  ensure_system_tools
  ensure_test_tools
  printf '%s\n' "$SIGNALBOX_NODE" >"$SIGNALBOX_ROOT/node_modules/.signalbox-ready"
  exec 9>&-
  start_environment
}

start_environment() {
  PATH=$(dirname "$SIGNALBOX_NODE"):$PATH
  export NODE_COMPILE_CACHE=$SIGNALBOX_CACHE/compile PATH SIGNALBOX_NODE
  umask 022
}

make_cache() {
  mkdir -p "$SIGNALBOX_CACHE" 2>/dev/null && [ -w "$SIGNALBOX_CACHE" ] && return
  missing "the cache folder $SIGNALBOX_CACHE cannot be written; set SIGNALBOX_CACHE to one that can"
}

stamp_is_fresh() {
  [ "$1" -nt "$SIGNALBOX_ROOT/package-lock.json" ] && [ "$1" -nt "$SIGNALBOX_ROOT/runtime/package-lock.json" ]
}

# ---- Node.js ---------------------------------------------------------------------------------------------------------

node_is_new_enough() {
  local version
  version=$("$1" -p 'process.versions.node' 2>/dev/null) || return 1
  [ "${version%%.*}" -ge "$NODE_FLOOR" ]
}

ensure_node() {
  local candidate arch home
  candidate=$(command -v node || true)
  if [ -n "$candidate" ] && node_is_new_enough "$candidate"; then
    SIGNALBOX_NODE=$candidate
    return
  fi
  case $(uname -m) in
    x86_64) arch=x64 ;;
    aarch64) arch=arm64 ;;
    *) missing "Node.js >= $NODE_FLOOR is needed, and there is no prebuilt one for $(uname -m); install it and run again" ;;
  esac
  home=$SIGNALBOX_CACHE/node-$(sha256sum <"$SIGNALBOX_ROOT/runtime/package-lock.json" | cut -c1-12)
  SIGNALBOX_NODE=$home/node_modules/node-linux-$arch/bin/node
  [ -x "$SIGNALBOX_NODE" ] && node_is_new_enough "$SIGNALBOX_NODE" && return
  command -v npm >/dev/null || missing "npm is needed to install Node.js >= $NODE_FLOOR (found: ${candidate:-no node}); install npm or Node.js"
  say "installing Node.js for linux-$arch from the npm registry (this machine has $("${candidate:-false}" --version 2>/dev/null || echo none), $NODE_FLOOR or newer is needed)"
  rm -rf "$home"
  mkdir -p "$home"
  cp "$SIGNALBOX_ROOT/runtime/package.json" "$SIGNALBOX_ROOT/runtime/package-lock.json" "$home/"
  (cd "$home" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2) ||
    missing "Node.js could not be installed from the npm registry (see above); install Node.js >= $NODE_FLOOR and run again"
  node_is_new_enough "$SIGNALBOX_NODE" || missing "the Node.js installed in $home does not run on this machine"
}

# ---- npm packages ----------------------------------------------------------------------------------------------------

# Arguments are passed to npm ci. What is installed is remembered by the lock file's hash, so that a development install
# is not thinned out by a later production one.
ensure_packages() {
  local modules=$SIGNALBOX_ROOT/node_modules want kind
  kind=$([ "${1:-}" = --omit=dev ] && echo run || echo all)
  want=$(sha256sum <"$SIGNALBOX_ROOT/package-lock.json" | cut -c1-40)
  case $(cat "$modules/.signalbox-packages" 2>/dev/null) in
    "$want all") return ;;
    "$want run") [ "$kind" = run ] && return ;;
  esac
  command -v npm >/dev/null || missing "npm is needed to install Signalbox's packages; install it and run again"
  [ -w "$SIGNALBOX_ROOT" ] || missing "the npm packages are not installed and $SIGNALBOX_ROOT cannot be written by this user"
  say "installing npm packages"
  (cd "$SIGNALBOX_ROOT" && PATH=$(dirname "$SIGNALBOX_NODE"):$PATH npm ci "$@" --ignore-scripts --no-audit --no-fund --loglevel=error >&2) ||
    missing "npm ci failed (see above)"
  printf '%s %s\n' "$want" "$kind" >"$modules/.signalbox-packages"
}

# ---- system tools ----------------------------------------------------------------------------------------------------

system_tools_present() {
  local tool
  for tool in ip iptables iptables-save iptables-restore ip6tables-restore unshare nsenter setpriv; do
    command -v "$tool" >/dev/null || return 1
  done
}

# Debian hides sbin from ordinary users' PATH; tools unpacked earlier come last, so that the machine's own win.
use_unpacked_tools() {
  PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:$SIGNALBOX_CACHE/tools/bin
}

ensure_system_tools() {
  system_tools_present && return
  local packages=(iproute2 iptables util-linux)
  command -v apt-get >/dev/null ||
    missing "these tools are needed: ip, iptables, iptables-restore, unshare, nsenter, setpriv; install the packages ${packages[*]} of your distribution"
  if [ "$(id -u)" = 0 ]; then
    say "installing system packages: ${packages[*]}"
    apt_install "${packages[@]}"
  else
    say "not root: unpacking ${packages[*]} into $SIGNALBOX_CACHE/tools instead of installing them"
    unpack_packages iproute2 iptables
  fi
  system_tools_present || missing "these system packages are needed and could not be set up: ${packages[*]}; as root: apt-get install ${packages[*]}"
}

# What only tests use is never installed, also not as root: Debian's kubectl (1.20, the oldest client that is promised to
# work) goes into the cache folder, beside whatever kubectl the machine has.
ensure_test_tools() {
  export SIGNALBOX_KUBECTL=$SIGNALBOX_CACHE/tools/bin/kubectl
  [ -x "$SIGNALBOX_KUBECTL" ] && return
  command -v apt-get >/dev/null || missing "the conformance tests need Debian's kubernetes-client package, and there is no apt-get here"
  say "unpacking kubernetes-client into $SIGNALBOX_CACHE/tools for the conformance tests"
  unpack_packages kubernetes-client
  [ -x "$SIGNALBOX_KUBECTL" ] || missing "Debian's kubectl could not be unpacked into $SIGNALBOX_CACHE/tools"
}

apt_install() {
  local log=$SIGNALBOX_CACHE/apt.log
  # An old package list names files that the archive no longer has, hence the second try after an update.
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >"$log" 2>&1 ||
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; } >>"$log" 2>&1 ||
    { tail -n 5 "$log" >&2; missing "apt-get install $* failed; the whole output is in $log"; }
}

# The same signed packages, unpacked into the cache, each program behind a wrapper that finds its libraries.
unpack_packages() {
  local tools=$SIGNALBOX_CACHE/tools apt=$SIGNALBOX_CACHE/apt log=$SIGNALBOX_CACHE/apt.log name program wanted
  local options=(-o "Dir::State=$apt/state" -o "Dir::Cache=$apt/cache" -o Dir::State::status=/var/lib/dpkg/status -o APT::Sandbox::User=)
  mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial" "$tools/root" "$tools/bin"
  {
    apt-get "${options[@]}" update &&
      wanted=$(apt-get "${options[@]}" install -s --no-install-recommends "$@" | sed -n 's/^Inst \([^ ]*\).*/\1/p') &&
      (cd "$apt" && apt-get "${options[@]}" download $wanted)
  } >"$log" 2>&1 || { tail -n 5 "$log" >&2; missing "the packages $* could not be fetched without root; as root: apt-get install $*"; }
  for name in "$apt"/*.deb; do
    dpkg-deb -x "$name" "$tools/root"
  done
  rm -rf "$apt"
  local libraries xtables
  libraries=$(find "$tools/root" -name '*.so*' -not -path '*/xtables/*' -printf '%h\n' | sort -u | paste -sd:)
  xtables=$(find "$tools/root" -type d -name xtables | head -n 1)
  for name in "$tools"/root/{usr/,}{s,}bin/*; do
    [ -e "$name" ] || [ -L "$name" ] || continue
    program=$(resolve_in_root "$tools/root" "$name")
    # The applet name selects the program inside xtables-nft-multi, hence exec -a.
    printf '#!/bin/bash\nexport LD_LIBRARY_PATH=%q${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} XTABLES_LIBDIR=%q\nexec -a "${0##*/}" %q "$@"\n' \
      "$libraries" "$xtables" "$program" >"$tools/bin/${name##*/}"
    chmod +x "$tools/bin/${name##*/}"
  done
  # iptables itself is normally a link that update-alternatives makes; the nf_tables variant is Debian's default.
  [ -e "$tools/bin/xtables-nft-multi" ] || return 0
  for name in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
    [ -e "$tools/bin/$name" ] || ln -s xtables-nft-multi "$tools/bin/$name"
  done
}

# A package's absolute links point into the real root; follow them inside the unpacked one.
resolve_in_root() {
  local root=$1 path=$2 target
  while [ -L "$path" ]; do
    target=$(readlink "$path")
    case $target in
      /*) path=$root$target ;;
      *) path=$(dirname "$path")/$target ;;
    esac
  done
  printf '%s' "$path"
}
