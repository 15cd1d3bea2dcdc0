// Reads files with DCMTK's library and takes twelve attributes of each, timing itself.
//
//   read_dcmtk values all|head FILE            the twelve values, joined by "|"
//   read_dcmtk loop all|head COUNT FILE        seconds for COUNT reads of one file
//   read_dcmtk scan all|head FOLDER            seconds and number of files of a folder, sub-folders included
//   read_dcmtk list all|head COUNT LIST            for each path of a text file a line: the least microseconds of COUNT
//                                              reads and the path; -1 for a file that cannot be read
//
// "loop" and "scan" print seconds, the number of files, a sum that keeps the work, and seconds of CPU.
//
// "all" is the library's default (values of more than 4096 bytes stay in the file); "head" stops at the pixel data.
#include "dcmtk/config/osconfig.h"
#include "dcmtk/dcmdata/dctk.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>

static const DcmTagKey KEYS[] = {
    DCM_PatientName, DCM_PatientID, DCM_StudyInstanceUID, DCM_SeriesInstanceUID, DCM_SOPInstanceUID, DCM_Modality,
    DCM_StudyDate, DCM_InstanceNumber, DCM_ImagePositionPatient, DCM_PixelSpacing, DCM_Rows, DCM_Columns,
};

static bool read(const char *path, bool head, size_t &length, std::string *joined)
{
    DcmFileFormat file;
    const OFCondition status =
        head ? file.loadFileUntilTag(path, EXS_Unknown, EGL_noChange, DCM_MaxReadLength, ERM_autoDetect, DCM_PixelData)
             : file.loadFile(path);
    if (status.bad())
        return false;
    DcmDataset *set = file.getDataset();
    for (const DcmTagKey &key : KEYS) {
        OFString value;
        if (set->findAndGetOFStringArray(key, value).good())
            length += value.length();
        if (joined)
            (*joined += value.c_str()) += "|";
    }
    return true;
}

static size_t take(const char *path, bool head, std::string *joined)
{
    size_t length = 0;
    if (!read(path, head, length, joined)) {
        std::fprintf(stderr, "%s: cannot be read\n", path);
        std::exit(1);
    }
    return length;
}

static void list(const char *name, bool head, long count)
{
    std::ifstream paths(name);
    std::string path;
    while (std::getline(paths, path)) {
        double least = -1;
        for (long left = count; left > 0; --left) {
            size_t length = 0;
            bool good = false;
            const auto before = std::chrono::steady_clock::now();
            try {
                good = read(path.c_str(), head, length, nullptr);
            } catch (const std::exception &) {
            }
            const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - before;
            if (!good) {
                least = -1;
                break;
            }
            if (least < 0 || took.count() < least)
                least = took.count();
        }
        std::printf("%.3f\t%s\n", least, path.c_str());
        std::fflush(stdout); // a file may end the process, and then the caller knows which
    }
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
    if (argc > 4 && !std::strcmp(argv[1], "list")) {
        list(argv[4], head, std::atol(argv[3]));
        return 0;
    }
    size_t files = 0, length = 0;
    const std::clock_t worked = std::clock();
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
    const double cpu = static_cast<double>(std::clock() - worked) / CLOCKS_PER_SEC;
    std::printf("%.9f %zu %zu %.6f\n", took.count(), files, length, cpu);
    return 0;
}
