// Reads files with GDCM's library and takes twelve attributes of each, timing itself.
//
//   read_gdcm values all|head FILE            the twelve values, joined by "|"
//   read_gdcm loop all|head COUNT FILE        seconds for COUNT reads of one file
//   read_gdcm scan all|head|scanner FOLDER    seconds and number of files of a folder, sub-folders included
//   read_gdcm list all|head COUNT LIST           for each path of a text file a line: the least microseconds of COUNT
//                                              reads and the path; -1 for a file that cannot be read
//
// "loop" and "scan" print seconds, the number of files, a sum that keeps the work, and seconds of CPU.
//
// "all" is gdcm::Reader::Read, "head" ReadUpToTag(pixel data), "scanner" the class gdcm::Scanner, made for such folders.
#include "gdcmAttribute.h"
#include "gdcmDirectory.h"
#include "gdcmReader.h"
#include "gdcmScanner.h"
#include "gdcmStringFilter.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <exception>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

static const gdcm::Tag TEXTS[] = {
    gdcm::Tag(0x0010, 0x0010), gdcm::Tag(0x0010, 0x0020), gdcm::Tag(0x0020, 0x000d), gdcm::Tag(0x0020, 0x000e),
    gdcm::Tag(0x0008, 0x0018), gdcm::Tag(0x0008, 0x0060), gdcm::Tag(0x0008, 0x0020), gdcm::Tag(0x0020, 0x0013),
    gdcm::Tag(0x0020, 0x0032), gdcm::Tag(0x0028, 0x0030),
};
static const gdcm::Tag ROWS(0x0028, 0x0010), COLUMNS(0x0028, 0x0011), PIXELS(0x7fe0, 0x0010);

static bool read(const char *path, bool head, size_t &length, std::string *joined)
{
    gdcm::Reader reader;
    reader.SetFileName(path);
    if (!(head ? reader.ReadUpToTag(PIXELS) : reader.Read()))
        return false;
    const gdcm::DataSet &set = reader.GetFile().GetDataSet();
    for (const gdcm::Tag &tag : TEXTS) {
        const gdcm::DataElement &element = set.GetDataElement(tag);
        const gdcm::ByteValue *bytes = element.GetByteValue();
        const std::string text = bytes ? std::string(bytes->GetPointer(), bytes->GetLength()) : std::string();
        length += text.length();
        if (joined)
            (*joined += text.c_str()) += "|";
    }
    gdcm::Attribute<0x0028, 0x0010> rows;
    gdcm::Attribute<0x0028, 0x0011> columns;
    rows.SetFromDataSet(set);
    columns.SetFromDataSet(set);
    length += rows.GetValue() + columns.GetValue();
    if (joined)
        *joined += std::to_string(rows.GetValue()) + "|" + std::to_string(columns.GetValue()) + "|";
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

static size_t scanner(const char *folder, size_t &files)
{
    gdcm::Directory directory;
    directory.Load(folder, true);
    gdcm::Scanner all;
    for (const gdcm::Tag &tag : TEXTS)
        all.AddTag(tag);
    all.AddTag(ROWS);
    all.AddTag(COLUMNS);
    if (!all.Scan(directory.GetFilenames()))
        std::exit(1);
    size_t length = 0;
    for (const std::string &path : directory.GetFilenames()) {
        ++files;
        for (const gdcm::Tag &tag : TEXTS) {
            const char *value = all.GetValue(path.c_str(), tag);
            length += value ? std::strlen(value) : 0;
        }
    }
    return length;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
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
    } else if (!std::strcmp(argv[2], "scanner")) {
        length = scanner(argv[3], files);
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
