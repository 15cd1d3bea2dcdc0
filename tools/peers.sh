#!/usr/bin/env bash
# Installs the real peers that tests (and, with "bench", benches) talk to where that is possible: root on a Debian-like system.
# Elsewhere it names what is missing; with KERMA_REQUIRE_PEERS=1 a missing peer is a failure.
set -euo pipefail

declare -A package_of=([echoscu]=dcmtk [dcmqrscp]=dcmtk [gdcminfo]=libgdcm-tools [dciodvfy]=dicom3tools [tiffinfo]=libtiff-tools [node]=nodejs [npm]=npm)
if [ "${1:-}" = bench ]; then
    package_of[Orthanc]=orthanc
    package_of[/usr/include/dcmtk/dcmdata/dctk.h]=libdcmtk-dev
    package_of[/usr/include/gdcm-3.0/gdcmReader.h]=libgdcm-dev
fi

missing() {
    local name
    for name in "${!package_of[@]}"; do
        case "$name" in
            /*) [ -e "$name" ] || echo "${package_of[$name]}" ;;
            *) command -v "$name" >/dev/null 2>&1 || [ -x "/usr/sbin/$name" ] || echo "${package_of[$name]}" ;;
        esac
    done | sort -u
}

# dcmjs, of which the DICOM JSON is tried. Outside of the project's own files, so that nothing of it is committed.
dcmjs=dcmjs@0.52.2
modules=.venv/npm
dcmjs_there() { [ -e "$modules/node_modules/dcmjs/package.json" ] && [ "$(cat "$modules/.version" 2>/dev/null)" = "$dcmjs" ]; }
add_dcmjs() {
    dcmjs_there && return 0
    command -v npm >/dev/null 2>&1 || return 0
    mkdir -p "$modules"
    npm install --prefix "$modules" --no-save --no-package-lock --no-fund --no-audit --silent "$dcmjs" >/dev/null || return 0
    echo "$dcmjs" > "$modules/.version"
}
all_there() { [ -z "$wanted" ] && { add_dcmjs; dcmjs_there; }; }

wanted=$(missing)
all_there && exit 0

if [ -n "$wanted" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing peers: $(echo $wanted)"
    export DEBIAN_FRONTEND=noninteractive
    # A peer that brings a service must not start it: tests start their own on free ports.
    apt-get update -qq || true
    apt-get install -y -qq --no-install-recommends $wanted >/dev/null || true
    wanted=$(missing)
    all_there && exit 0
fi

add_dcmjs
dcmjs_there || wanted="$wanted dcmjs"
echo "Missing peers, their tests will be skipped: $(echo $wanted)" >&2
[ "${KERMA_REQUIRE_PEERS:-}" != 1 ]
