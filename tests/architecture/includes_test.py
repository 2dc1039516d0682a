# SPDX-License-Identifier: Apache-2.0
"""Holds the source tree to docs/architecture.md.  usage: includes_test.py [REPOSITORY]"""

import os
import pathlib
import sys
import unittest

from layout import Layout, read_rooms, read_sources, spdx_missing, too_long

ROOT = pathlib.Path(__file__).resolve().parents[2]

TABLE = '''
| room | what lives there | may include |
|---|---|---|
| base | ground | |
| image | pictures | base |
| infer | models | base |
| serve | the port | base image infer |
'''


def findings(files):
    return Layout(read_rooms(TABLE), files).findings()


class Rules(unittest.TestCase):
    """That the check finds what it is for."""

    def test_an_allowed_include_passes(self):
        self.assertEqual([], findings({'base/a.h': '', 'image/b.cc': '#include "base/a.h"\n'}))

    def test_an_include_that_the_table_does_not_allow_is_found(self):
        found = findings({'image/b.h': '', 'base/a.cc': '\n#include "image/b.h"\n'})
        self.assertEqual(1, len(found))
        self.assertIn('src/base/a.cc:2: base includes image/b.h of image', found[0])

    def test_a_folder_that_is_no_room_is_found(self):
        self.assertIn('lies in no room', findings({'misc/a.cc': ''})[0])

    def test_a_foreign_header_in_the_wrong_room_is_found(self):
        found = findings({'image/a.cc': '#include <grpcpp/grpcpp.h>\n'})
        self.assertIn('gRPC', found[0])

    def test_a_foreign_header_may_be_used_inside_its_room(self):
        self.assertEqual([], findings({'infer/private.h': '#include "tensorflow/lite/c/c_api.h"\n',
                                       'infer/a.cc': '#include "infer/private.h"\n'}))

    def test_a_foreign_header_that_another_room_sees_through_two_headers_is_found(self):
        found = findings({'infer/private.h': '#include "tensorflow/lite/c/c_api.h"\n',
                          'infer/public.h': '#include "infer/private.h"\n',
                          'serve/a.cc': '#include "infer/public.h"\n'})
        self.assertEqual(1, len(found))
        self.assertIn('src/infer/private.h: other rooms see', found[0])

    def test_rooms_in_a_ring_are_found(self):
        rooms = read_rooms(TABLE.replace('| ground | |', '| ground | serve |'))
        self.assertTrue(any('may include itself' in line for line in Layout(rooms, {}).findings()))

    def test_a_table_that_names_no_room_is_refused(self):
        with self.assertRaises(ValueError):
            read_rooms(TABLE.replace('| pictures | base |', '| pictures | basis |'))

    def test_a_file_without_its_licence_line_or_with_too_many_lines_is_found(self):
        self.assertTrue(spdx_missing('// a comment\n\n// SPDX-License-Identifier: Apache-2.0\n'))
        self.assertFalse(spdx_missing('#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n'))
        self.assertTrue(too_long('x\n' * 401))
        self.assertFalse(too_long('x\n' * 400))


class Tree(unittest.TestCase):
    """The repository itself."""

    def test_every_include_is_allowed_by_the_room_table(self):
        rooms = read_rooms((ROOT / 'docs/architecture.md').read_text())
        found = Layout(rooms, read_sources(ROOT)).findings()
        self.assertEqual([], found, '\n' + '\n'.join(found))

    def test_every_source_file_starts_with_its_licence_and_is_short(self):
        found = []
        for path in written_files():
            text = (ROOT / path).read_text()
            if spdx_missing(text):
                found.append(f'{path}: no SPDX-License-Identifier in its first line')
            # The contract decides what stands in one .proto or schema file.
            if path.suffix not in ('.proto', '.fbs') and too_long(text):
                found.append(f'{path}: {len(text.splitlines())} lines; split it')
        self.assertEqual([], found, '\n' + '\n'.join(found))


SUFFIXES = {'.h', '.cc', '.proto', '.py', '.ts', '.svelte', '.mjs', '.js', '.css', '.html', '.sh',
            '.cmake', '.fbs'}
GENERATED = {'.git', '.cache', 'build', 'node_modules', 'dist', 'media'}


def written_files():
    """What people wrote: sources, page, scripts, tests. Lockfiles and data have no licence line."""
    for folder, subfolders, names in os.walk(ROOT):
        subfolders[:] = sorted(name for name in subfolders if name not in GENERATED)
        for name in sorted(names):
            path = pathlib.Path(folder, name).relative_to(ROOT)
            if path.suffix in SUFFIXES or name == 'CMakeLists.txt' or path.parts[0] in ('script', '.ci'):
                yield path


if __name__ == '__main__':
    if len(sys.argv) > 1 and not sys.argv[1].startswith('-'):
        ROOT = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
