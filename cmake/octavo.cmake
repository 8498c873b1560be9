# The project's own CMake functions: one helper makes each folder's library, so that they all build alike.

# Warnings are errors in our own code only; libraries come in as system headers.
set(OCTAVO_WARNINGS -Wall -Wextra -Wpedantic -Werror -Wshadow=local -Wno-missing-field-initializers)

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 warns of overlaps and bounds inside std::string's own code, now here, now there, as its inlining falls
  # (GCC bugs 105329 and 105651).
  list(APPEND OCTAVO_WARNINGS -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
endif()

if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # Clang knows -Wshadow without a scope only, and warns of braces that the standard does not ask for.
  list(REMOVE_ITEM OCTAVO_WARNINGS -Wshadow=local)
  list(APPEND OCTAVO_WARNINGS -Wshadow -Wno-missing-braces)
endif()

if(OCTAVO_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # With a sanitizer's checks in between GCC loses track of what is initialized (its manual says so).
  list(APPEND OCTAVO_WARNINGS -Wno-maybe-uninitialized)
endif()

if(OCTAVO_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Asio orders its handlers by mutexes besides the fences that TSan does not see.
  list(APPEND OCTAVO_WARNINGS -Wno-tsan)
endif()
if(OCTAVO_SANITIZE MATCHES "thread")
  # ThreadSanitizer splits its options at spaces, unless they are quoted.
  set(OCTAVO_TEST_ENVIRONMENT "TSAN_OPTIONS=suppressions='${PROJECT_SOURCE_DIR}/tests/support/tsan_suppressions.txt'")
endif()

if(OCTAVO_SANITIZE)
  add_compile_options(-fsanitize=${OCTAVO_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  if(OCTAVO_SANITIZE MATCHES "undefined")
    # AddressSanitizer finds what these three would, and Beast's templates take twice as long to compile with them.
    add_compile_options(-fno-sanitize=null,object-size,vptr)
  endif()
  add_link_options(-fsanitize=${OCTAVO_SANITIZE})
endif()

# The libraries under test must report their coverage, or the fuzzer is blind.
if(OCTAVO_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_program(OCTAVO_MOLD mold)
if(OCTAVO_MOLD AND NOT OCTAVO_FUZZ)
  add_link_options(-fuse-ld=mold)
endif()

# Treats the headers of imported targets as system headers even where their package does not say so.
function(octavo_mark_system_headers)
  foreach(target IN LISTS ARGN)
    get_target_property(dirs ${target} INTERFACE_INCLUDE_DIRECTORIES)
    if(dirs)
      set_target_properties(${target} PROPERTIES INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${dirs}")
    endif()
  endforeach()
endfunction()

# OCTAVO_UNITY, as the presets of sanitizers and the linter have it: the headers of CAF and Beast, which take most of the
# time, are read once for several files. So names in anonymous namespaces must differ within a library.
option(OCTAVO_UNITY "compile a library's files together, a few at a time" OFF)
if(OCTAVO_UNITY AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # A type of an anonymous namespace that a class uses is seen as one of a header. Clang has no such warning.
  list(APPEND OCTAVO_WARNINGS -Wno-subobject-linkage)
endif()

function(octavo_unite target)
  if(OCTAVO_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
  endif()
endfunction()

option(OCTAVO_PCH "precompile the headers of heavy libraries" OFF)

# Precompiles library headers for a target. ccache wants to be told (scripts/build sets its CCACHE_SLOPPINESS). Reading
# what was precompiled takes seconds as well: it is for folders where most files need most of it.
function(octavo_precompile target)
  if(NOT OCTAVO_PCH)
    return()
  endif()
  target_precompile_headers(${target} PRIVATE ${ARGN})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -fpch-preprocess)
  else()
    target_compile_options(${target} PRIVATE -Xclang -fno-pch-timestamp)
  endif()
endfunction()

# octavo_library(crdt SOURCES a.cpp … [PUBLIC targets…] [PRIVATE targets…])
# Makes the library octavo_crdt with the alias octavo::crdt from the folder that calls it. Headers are included as
# <folder>/<name>.hpp from the project's root, and are installed under include/octavo/, those of folders within by the
# folder at the top.
function(octavo_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(octavo_${name} STATIC ${arg_SOURCES})
  add_library(octavo::${name} ALIAS octavo_${name})
  set_target_properties(octavo_${name} PROPERTIES EXPORT_NAME ${name})
  set_target_properties(octavo_${name} PROPERTIES LINKER_LANGUAGE CXX)
  target_compile_features(octavo_${name} PUBLIC cxx_std_20)
  target_compile_options(octavo_${name} PRIVATE ${OCTAVO_WARNINGS})
  octavo_unite(octavo_${name})
  target_include_directories(octavo_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/octavo>)
  target_link_libraries(octavo_${name} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
  install(TARGETS octavo_${name} EXPORT octavo ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  if(CMAKE_CURRENT_SOURCE_DIR STREQUAL "${PROJECT_SOURCE_DIR}/${name}")
    install(DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/octavo/${name}
      FILES_MATCHING PATTERN "*.hpp")
  endif()
endfunction()

# octavo_test(crdt SOURCES a_test.cpp … LINK targets… [TIMEOUT seconds] [ARGUMENTS of doctest] [COMPUTES])
# Makes the doctest program test_crdt and one ctest entry of that name. COMPUTES: the test itself is what takes the
# time, not what it calls, and so is optimized under sanitizers too.
function(octavo_test name)
  cmake_parse_arguments(arg "COMPUTES" "TIMEOUT" "SOURCES;LINK;ARGUMENTS" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  add_executable(test_${name} ${arg_SOURCES})
  target_compile_options(test_${name} PRIVATE ${OCTAVO_WARNINGS})
  if(OCTAVO_SANITIZE)
    # A hung test is ended; a slow machine is not to blame for what a sanitizer costs.
    math(EXPR arg_TIMEOUT "${arg_TIMEOUT} * 4")
    # See tests/support/pace.hpp.
    target_compile_definitions(test_${name} PRIVATE OCTAVO_SANITIZED)
    if(NOT arg_COMPUTES)
      target_compile_options(test_${name} PRIVATE -O0)
    endif()
    if(OCTAVO_SANITIZE MATCHES "undefined")
      # It is not the test that is tested, and these checks are most of what compiling it takes.
      target_compile_options(test_${name} PRIVATE -fno-sanitize=undefined)
    endif()
  endif()
  target_link_libraries(test_${name} PRIVATE octavo_test_main ${arg_LINK})
  add_test(NAME unit_${name} COMMAND test_${name} ${arg_ARGUMENTS})
  set_tests_properties(unit_${name} PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS unit ENVIRONMENT "${OCTAVO_TEST_ENVIRONMENT}")
endfunction()

# octavo_fuzz(decode_update LINK targets…): the libFuzzer program fuzz_NAME from tests/fuzz/NAME.cpp; the target fuzz_all
# builds all of them.
function(octavo_fuzz name)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  if(NOT OCTAVO_FUZZ)
    return()
  endif()
  if(NOT TARGET fuzz_all)
    add_custom_target(fuzz_all)
  endif()
  add_dependencies(fuzz_all fuzz_${name})
  add_executable(fuzz_${name} ${name}.cpp)
  target_compile_options(fuzz_${name} PRIVATE ${OCTAVO_WARNINGS} -fsanitize=fuzzer)
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  target_link_libraries(fuzz_${name} PRIVATE ${arg_LINK})
endfunction()

function(octavo_install_package)
  include(CMakePackageConfigHelpers)
  install(EXPORT octavo NAMESPACE octavo:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/octavo FILE octavo-targets.cmake)
  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/octavo-config.cmake.in
    ${PROJECT_BINARY_DIR}/octavo-config.cmake INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/octavo)
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/octavo-config-version.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/octavo-config.cmake ${PROJECT_BINARY_DIR}/octavo-config-version.cmake
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/octavo)
endfunction()
