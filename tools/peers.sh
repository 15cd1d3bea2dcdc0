#!/usr/bin/env bash
# Installs the real peers that tests (and, with "bench", benches) talk to where that is possible: root on a Debian-like system.
# Elsewhere it names what is missing; with KERMA_REQUIRE_PEERS=1 a missing peer is a failure.
set -euo pipefail

declare -A package_of=([echoscu]=dcmtk [dcmqrscp]=dcmtk [gdcminfo]=libgdcm-tools [dciodvfy]=dicom3tools [tiffinfo]=libtiff-tools [node]=nodejs [npm]=npm
    [curl]=curl [chromium]=chromium [/usr/share/fonts/truetype/liberation]=fonts-liberation
    [/usr/share/orthanc/plugins/libOrthancDicomWeb.so]=orthanc-dicomweb)
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

# What npm has: dcmjs, of which the DICOM JSON is tried, the browsers' DICOMweb client, and what that needs outside of a
# browser. Outside of the project's own files, so that nothing of it is committed.
modules=.venv/npm
npm_packages="dcmjs@0.52.2 dicomweb-client@0.11.3 xhr2@0.2.1"
npm_there() { [ "$(cat "$modules/.version" 2>/dev/null)" = "$npm_packages" ]; }
add_npm() {
    npm_there && return 0
    command -v npm >/dev/null 2>&1 || return 0
    mkdir -p "$modules"
    npm install --prefix "$modules" --no-save --no-package-lock --no-fund --no-audit --silent $npm_packages >/dev/null || return 0
    echo "$npm_packages" > "$modules/.version"
}

# OHIF, the viewer: its ready-built page, kept for the user, since it is large (tests/interop/web/ohif.py looks there).
# A model for drawing segmentations by machine and the source maps are three quarters of it and are left out.
ohif=3.13.2
ohif_folder="${XDG_CACHE_HOME:-$HOME/.cache}/kerma/peers/ohif-$ohif"
ohif_there() { [ -e "$ohif_folder/index.html" ]; }
add_ohif() {
    ohif_there && return 0
    command -v npm >/dev/null 2>&1 || return 0
    local work
    mkdir -p "$(dirname "$ohif_folder")"
    work=$(mktemp -d "$ohif_folder.XXXXXX")
    (cd "$work" && npm pack --silent "@ohif/app@$ohif" >/dev/null 2>&1 &&
        tar xzf ./*.tgz --strip-components=2 --exclude='package/dist/ort' --exclude='*.map' package/dist &&
        rm -f ./*.tgz && chmod 755 . && mv -T "$work" "$ohif_folder") || rm -rf "$work"
}

add_packages() { add_npm; add_ohif; }
all_there() { [ -z "$wanted" ] && { add_packages; npm_there && ohif_there; }; }

wanted=$(missing)
all_there && exit 0

if [ -n "$wanted" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing peers: $(echo $wanted)"
    export DEBIAN_FRONTEND=noninteractive
    # A peer that brings a service must not start it: tests start their own on free ports.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' > "$policy"
        chmod 755 "$policy"
        trap 'rm -f "$policy"' EXIT
    fi
    apt-get update -qq || true
    apt-get install -y -qq --no-install-recommends $wanted >/dev/null || true
    wanted=$(missing)
    all_there && exit 0
fi

add_packages
npm_there || wanted="$wanted $npm_packages"
ohif_there || wanted="$wanted OHIF"
echo "Missing peers, their tests will be skipped: $(echo $wanted)" >&2
[ "${KERMA_REQUIRE_PEERS:-}" != 1 ]
