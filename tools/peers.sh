#!/usr/bin/env bash
# Installs the real peers that tests (and, with "bench", benches) talk to where that is possible: root on a Debian-like system.
# Elsewhere it names what is missing; with KERMA_REQUIRE_PEERS=1 a missing peer is a failure.
set -euo pipefail

declare -A package_of=([echoscu]=dcmtk [dcmqrscp]=dcmtk [gdcminfo]=libgdcm-tools [dciodvfy]=dicom3tools [tiffinfo]=libtiff-tools)
if [ "${1:-}" = bench ]; then
    package_of[Orthanc]=orthanc
    package_of[/usr/include/dcmtk/dcmdata/dctk.h]=libdcmtk-dev
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

wanted=$(missing)
[ -z "$wanted" ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing peers: $(echo $wanted)"
    export DEBIAN_FRONTEND=noninteractive
    # A peer that brings a service must not start it: tests start their own on free ports.
    apt-get update -qq || true
    apt-get install -y -qq --no-install-recommends $wanted >/dev/null || true
    wanted=$(missing)
    [ -z "$wanted" ] && exit 0
fi

echo "Missing peers, their tests will be skipped: $(echo $wanted)" >&2
[ "${KERMA_REQUIRE_PEERS:-}" != 1 ]
