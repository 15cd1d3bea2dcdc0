// Reads files with DCMTK's library and takes twelve attributes of each, timing itself.
//
//   read_dcmtk values all|head FILE            the twelve values, joined by "|"
//   read_dcmtk loop all|head COUNT FILE        seconds for COUNT reads of one file
//   read_dcmtk scan all|head FOLDER            seconds and number of files of a folder, sub-folders included
//
// "all" is the library's default (values of more than 4096 bytes stay in the file); "head" stops at the pixel data.
#include "dcmtk/config/osconfig.h"
#include "dcmtk/dcmdata/dctk.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

static const DcmTagKey KEYS[] = {
    DCM_PatientName, DCM_PatientID, DCM_StudyInstanceUID, DCM_SeriesInstanceUID, DCM_SOPInstanceUID, DCM_Modality,
    DCM_StudyDate, DCM_InstanceNumber, DCM_ImagePositionPatient, DCM_PixelSpacing, DCM_Rows, DCM_Columns,
};

static size_t take(const char *path, bool head, std::string *joined)
{
    DcmFileFormat file;
    const OFCondition status =
        head ? file.loadFileUntilTag(path, EXS_Unknown, EGL_noChange, DCM_MaxReadLength, ERM_autoDetect, DCM_PixelData)
             : file.loadFile(path);
    if (status.bad()) {
        std::fprintf(stderr, "%s: %s\n", path, status.text());
        std::exit(1);
    }
    DcmDataset *set = file.getDataset();
    size_t length = 0;
    for (const DcmTagKey &key : KEYS) {
        OFString value;
        if (set->findAndGetOFStringArray(key, value).good())
            length += value.length();
        if (joined)
            (*joined += value.c_str()) += "|";
    }
    return length;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    OFLog::configure(OFLogger::ERROR_LOG_LEVEL); // it warns of each file whose pixel data it was told to leave out
    const bool head = !std::strcmp(argv[2], "head");
    if (!std::strcmp(argv[1], "values")) {
        std::string joined;
        take(argv[3], head, &joined);
        std::printf("%s\n", joined.c_str());
        return 0;
    }
    size_t files = 0, length = 0;
    const auto before = std::chrono::steady_clock::now();
    if (!std::strcmp(argv[1], "loop")) {
        for (long left = std::atol(argv[3]); left > 0; --left, ++files)
            length += take(argv[4], head, nullptr);
    } else {
        for (const auto &entry : std::filesystem::recursive_directory_iterator(argv[3]))
            if (entry.is_regular_file()) {
                length += take(entry.path().c_str(), head, nullptr);
                ++files;
            }
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - before;
    std::printf("%.9f %zu %zu\n", took.count(), files, length);
    return 0;
}
