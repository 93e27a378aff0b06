// What the loader mapped writable, except what it made read-only again (RELRO), where it keeps
// addresses that it may still be filling in.
#include "sched/image.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

extern "C" void* __tls_get_addr(void*);

namespace kqtorture::sched {
namespace {

struct Search {
  uintptr_t address;
  dl_phdr_info info;
  bool found;
};

int look(dl_phdr_info* info, size_t, void* argument) {
  auto* search = static_cast<Search*>(argument);
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const auto& header = info->dlpi_phdr[i];
    const uintptr_t begin = info->dlpi_addr + header.p_vaddr;
    if (header.p_type != PT_LOAD || search->address - begin >= header.p_memsz) continue;
    search->info = *info;
    search->found = true;
    return 1;
  }
  return 0;
}

// The undefined symbols of a dynamic object that begin with the compiler's prefix.
bool calls_the_instrumentation(const dl_phdr_info& info) {
  const ElfW(Dyn)* dynamic = nullptr;
  for (int i = 0; i < info.dlpi_phnum; i++) {
    if (info.dlpi_phdr[i].p_type != PT_DYNAMIC) continue;
    dynamic = reinterpret_cast<const ElfW(Dyn)*>(info.dlpi_addr + info.dlpi_phdr[i].p_vaddr);
  }
  const char* strings = nullptr;
  const ElfW(Sym)* symbols = nullptr;
  const ElfW(Rela)* jumps = nullptr;
  size_t jump_bytes = 0;
  for (; dynamic != nullptr && dynamic->d_tag != DT_NULL; dynamic++) {
    if (dynamic->d_tag == DT_STRTAB) strings = reinterpret_cast<const char*>(dynamic->d_un.d_ptr);
    if (dynamic->d_tag == DT_SYMTAB) {
      symbols = reinterpret_cast<const ElfW(Sym)*>(dynamic->d_un.d_ptr);
    }
    if (dynamic->d_tag == DT_JMPREL) {
      jumps = reinterpret_cast<const ElfW(Rela)*>(dynamic->d_un.d_ptr);
    }
    if (dynamic->d_tag == DT_PLTRELSZ) jump_bytes = dynamic->d_un.d_val;
  }
  if (strings == nullptr || symbols == nullptr || jumps == nullptr) return false;
  for (size_t i = 0; i < jump_bytes / sizeof *jumps; i++) {
    const char* name = strings + symbols[ELF64_R_SYM(jumps[i].r_info)].st_name;
    if (std::strncmp(name, "__tsan_", 7) == 0) return true;
  }
  return false;
}

}  // namespace

bool Image::find(const void* address, std::string* why_not) {
  Search search{reinterpret_cast<uintptr_t>(address), {}, false};
  dl_iterate_phdr(look, &search);
  if (!search.found) {
    *why_not = "the subject's functions lie in no object file";
    return false;
  }
  const dl_phdr_info& info = search.info;
  const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  base_ = info.dlpi_addr;
  uintptr_t relro_end = 0;
  uintptr_t relro_begin = 0;
  for (int i = 0; i < info.dlpi_phnum; i++) {
    const auto& header = info.dlpi_phdr[i];
    const uintptr_t begin = info.dlpi_addr + header.p_vaddr;
    if (header.p_type == PT_LOAD) size_ = std::max(size_, begin + header.p_memsz - base_);
    if (header.p_type == PT_GNU_RELRO) {
      relro_begin = begin & ~(page - 1);
      relro_end = (begin + header.p_memsz) & ~(page - 1);
    }
    if (header.p_type == PT_TLS) {
      thread_locals_module_ = info.dlpi_tls_modid;
      thread_locals_size_ = header.p_memsz;
    }
  }
  variables_low_ = UINTPTR_MAX;
  for (int i = 0; i < info.dlpi_phnum; i++) {
    const auto& header = info.dlpi_phdr[i];
    if (header.p_type != PT_LOAD || !(header.p_flags & PF_W)) continue;
    uintptr_t begin = info.dlpi_addr + header.p_vaddr;
    const uintptr_t end = begin + header.p_memsz;
    if (relro_begin <= begin && begin < relro_end) begin = std::min(relro_end, end);
    variables_low_ = std::min(variables_low_, begin);
    variables_high_ = std::max(variables_high_, end);
    if (begin < end) add(begin, end - begin);
  }
  instrumented_ = calls_the_instrumentation(info);
  return true;
}

void Image::add_thread_locals() {
  if (thread_locals_size_ == 0) return;
  struct {
    size_t module, offset;
  } index{thread_locals_module_, 0};
  add(reinterpret_cast<uintptr_t>(__tls_get_addr(&index)), thread_locals_size_);
}

void Image::add(uintptr_t begin, size_t size) {
  spans_.push_back({reinterpret_cast<unsigned char*>(begin), size, copies_.size()});
  copies_.resize(copies_.size() + size);
}

void Image::keep() {
  for (const Span& span : spans_) std::memcpy(&copies_[span.copy], span.at, span.size);
}

void Image::restore() {
  for (const Span& span : spans_) std::memcpy(span.at, &copies_[span.copy], span.size);
}

}  // namespace kqtorture::sched
