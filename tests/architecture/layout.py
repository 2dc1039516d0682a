# SPDX-License-Identifier: Apache-2.0
"""What may include what: read from docs/architecture.md, checked against every file below src/.

A finding is one line of text: which file, what is wrong, what is allowed.
"""

import pathlib
import re

MAX_LINES = 400
SOURCE_SUFFIXES = {'.h', '.cc'}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')

# Headers of others, and the rooms whose files may include them. A room with a trailing '.cc' may do
# so in .cc files only. None of them may reach a header that a second room sees, except in the rooms
# listed in `open`: what passes through there is their business.
FOREIGN = [
    {'what': 'generated protobuf', 'pattern': re.compile(r'\.pb\.h$|^google/protobuf/'),
     'rooms': {'wire/machine', 'wire/hub', 'serve', 'app', 'machine.cc', 'capture.cc', 'infer/remote.cc'},
     'open': {'wire/machine', 'wire/hub', 'serve', 'app'}},
    {'what': 'gRPC', 'pattern': re.compile(r'^(grpcpp|grpc)/'),
     'rooms': {'serve', 'app', 'machine.cc', 'capture.cc', 'infer/remote.cc'},
     'open': {'serve', 'app'}},
    {'what': 'TensorFlow Lite', 'pattern': re.compile(r'^tensorflow/'),
     'rooms': {'infer', 'tflite'}, 'open': set()},
    {'what': 'FlatBuffers', 'pattern': re.compile(r'^flatbuffers/|_generated\.h$'),
     'rooms': {'tflite'}, 'open': set()},
    {'what': 'OpenCV', 'pattern': re.compile(r'^opencv2/'), 'rooms': {'image'}, 'open': set()},
    {'what': 'libjpeg or libspng', 'pattern': re.compile(r'^(jpeglib|jerror|turbojpeg|spng)\.h$'),
     'rooms': {'image'}, 'open': set()},
    {'what': 'libsamplerate', 'pattern': re.compile(r'^samplerate\.h$'),
     'rooms': {'audio'}, 'open': set()},
    {'what': 'Boost', 'pattern': re.compile(r'^boost/'), 'rooms': {'serve'}, 'open': set()},
    {'what': 'MongoDB', 'pattern': re.compile(r'^(mongoc|bson)/'), 'rooms': {'capture'}, 'open': set()},
    {'what': 'SQL', 'pattern': re.compile(r'^(soci/|sqlite3\.h|libpq|SQLiteCpp/|pqxx/)'),
     'rooms': {'store'}, 'open': set()},
]


def read_rooms(document):
    """{room: set of rooms it may include} from the first table headed `| room |`."""
    rooms = {}
    inside = False
    for line in document.splitlines():
        if re.match(r'^\|\s*room\s*\|', line):
            inside = True
            continue
        if not inside:
            continue
        if not line.startswith('|'):
            break
        cells = [cell.strip() for cell in line.strip().strip('|').split('|')]
        if set(cells[0]) <= set('-: '):
            continue
        if len(cells) != 3:
            raise ValueError(f'a row of the room table has {len(cells)} cells, not 3: {line}')
        rooms[cells[0]] = set(cells[2].split())
    if not rooms:
        raise ValueError('no table with the heading "| room |" found')
    for room, allowed in rooms.items():
        for name in allowed - set(rooms):
            raise ValueError(f'room {room} may include {name}, which is no room')
    return rooms


class Layout:
    """`files`: {path relative to src/, with forward slashes: text}."""

    def __init__(self, rooms, files):
        self.rooms = rooms
        self.files = files
        self.includes = {path: list(self._includes(text)) for path, text in files.items()}

    @staticmethod
    def _includes(text):
        for number, line in enumerate(text.splitlines(), 1):
            match = INCLUDE.match(line)
            if match:
                yield number, match.group(2)

    def room_of(self, path):
        fitting = [room for room in self.rooms if path.startswith(room + '/')]
        return max(fitting, key=len, default=None)

    def findings(self):
        found = []
        for path in sorted(self.files):
            room = self.room_of(path)
            if room is None:
                found.append(f'src/{path}: lies in no room of docs/architecture.md')
                continue
            for number, target in self.includes[path]:
                found += self._check(path, room, number, target)
        return found + self._leaks() + self._cycles()

    def _check(self, path, room, number, target):
        where = f'src/{path}:{number}'
        if target in self.files:
            other = self.room_of(target)
            if other in (room, None) or other in self.rooms[room]:
                return []
            allowed = ' '.join(sorted(self.rooms[room])) or 'nothing'
            return [f'{where}: {room} includes {target} of {other}; it may include: {allowed}']
        for rule in FOREIGN:
            if rule['pattern'].search(target) and not self._permitted(rule['rooms'], path, room):
                return [f'{where}: {target} ({rule["what"]}) is for '
                        f'{", ".join(sorted(rule["rooms"]))} only']
        return []

    @staticmethod
    def _permitted(rooms, path, room):
        if room in rooms:
            return True
        stem = path.rsplit('.', 1)[0]
        return path.endswith('.cc') and any(
            entry.endswith('.cc') and (room == entry[:-3] or stem.startswith(entry[:-3]))
            for entry in rooms)

    def _leaks(self):
        """Foreign headers that a file of one room gets to see through a header of another."""
        found = set()
        for path in self.files:
            room = self.room_of(path)
            for header in self._reachable(path):
                owner = self.room_of(header)
                if owner == room:
                    continue
                for _, target in self.includes[header]:
                    for rule in FOREIGN:
                        if rule['pattern'].search(target) and owner not in rule['open']:
                            found.add(f'src/{header}: other rooms see this header, so it may not '
                                      f'include {target} ({rule["what"]})')
        return sorted(found)

    def _reachable(self, path):
        seen = set()
        queue = [path]
        while queue:
            for _, target in self.includes[queue.pop()]:
                if target in self.files and target not in seen:
                    seen.add(target)
                    queue.append(target)
        return seen

    def _cycles(self):
        """Rooms that include each other, directly or in a ring: the table may not allow it either."""
        found = []
        for room in sorted(self.rooms):
            seen = set()
            queue = list(self.rooms[room])
            while queue:
                other = queue.pop()
                if other not in seen:
                    seen.add(other)
                    queue += self.rooms[other]
            if room in seen:
                found.append(f'docs/architecture.md: room {room} may include itself through others')
        return found


def read_sources(root):
    source = pathlib.Path(root) / 'src'
    return {path.relative_to(source).as_posix(): path.read_text()
            for path in source.rglob('*') if path.suffix in SOURCE_SUFFIXES}


def spdx_missing(text):
    """The licence line is the first one; a shebang or a document type may stand before it."""
    return not any('SPDX-License-Identifier: Apache-2.0' in line for line in text.splitlines()[:2])


def too_long(text):
    return len(text.splitlines()) > MAX_LINES
