// An imported function's address is in a word of the library's, which the dynamic linker fills in:
// the relocations that name the function tell where. What it would still fill in lazily is replaced
// before it comes to that.
#include "imports.h"

#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

namespace kqtorture {
namespace {

#if defined(__LP64__)

struct Library {
  uintptr_t base = 0;
  const char* strings = nullptr;
  const ElfW(Sym) * symbols = nullptr;
  struct Table {
    const ElfW(Rela) * entries = nullptr;
    size_t size = 0;  // bytes
  } tables[2];

  // Some dynamic linkers write addresses where the file has offsets.
  template <typename T>
  const T* at(uintptr_t address) const {
    return reinterpret_cast<const T*>(address < base ? base + address : address);
  }

  explicit Library(const dl_phdr_info& info) : base(info.dlpi_addr) {
    const ElfW(Dyn)* entry = nullptr;
    for (int i = 0; i < info.dlpi_phnum; ++i) {
      if (info.dlpi_phdr[i].p_type != PT_DYNAMIC) continue;
      entry = reinterpret_cast<const ElfW(Dyn)*>(base + info.dlpi_phdr[i].p_vaddr);
    }
    for (; entry && entry->d_tag != DT_NULL; ++entry) {
      const uintptr_t value = entry->d_un.d_val;
      if (entry->d_tag == DT_STRTAB) strings = at<char>(value);
      if (entry->d_tag == DT_SYMTAB) symbols = at<ElfW(Sym)>(value);
      if (entry->d_tag == DT_JMPREL) tables[0].entries = at<ElfW(Rela)>(value);
      if (entry->d_tag == DT_PLTRELSZ) tables[0].size = value;
      if (entry->d_tag == DT_RELA) tables[1].entries = at<ElfW(Rela)>(value);
      if (entry->d_tag == DT_RELASZ) tables[1].size = value;
    }
  }
};

// The word may have been made read-only once it was filled in.
void write_word(uintptr_t address, void* value) {
  const auto page_size = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t page = address & ~(page_size - 1);
  mprotect(reinterpret_cast<void*>(page), page_size, PROT_READ | PROT_WRITE);
  *reinterpret_cast<void**>(address) = value;
}

bool replace(const Library& library, const Import& import) {
  bool found = false;
  for (const Library::Table& table : library.tables) {
    for (size_t i = 0; i < table.size / sizeof *table.entries; ++i) {
      const ElfW(Rela)& entry = table.entries[i];
      const size_t symbol = ELF64_R_SYM(entry.r_info);
      if (symbol == 0) continue;
      if (strcmp(library.strings + library.symbols[symbol].st_name, import.name) != 0) continue;
      write_word(library.base + entry.r_offset, import.replacement);
      found = true;
    }
  }
  return found;
}

struct Request {
  const char* library;
  std::initializer_list<Import> imports;
  int found;
};

int visit(dl_phdr_info* info, size_t, void* argument) {
  auto* request = static_cast<Request*>(argument);
  const char* name = strrchr(info->dlpi_name, '/');
  if (name == nullptr || strncmp(name + 1, request->library, strlen(request->library)) != 0) {
    return 0;
  }
  const Library library(*info);
  request->found = 0;
  for (const Import& import : request->imports) request->found += replace(library, import);
  return 1;
}

#endif

}  // namespace

int replace_imports(const char* library, std::initializer_list<Import> imports) {
#if defined(__LP64__)
  Request request{library, imports, -1};
  dl_iterate_phdr(visit, &request);
  return request.found;
#else
  (void)library, (void)imports;
  return -1;
#endif
}

}  // namespace kqtorture
