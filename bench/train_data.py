# SPDX-License-Identifier: Apache-2.0
"""Public datasets as folders of labelled pictures, where they come as something else."""
import gzip
import hashlib
import pathlib
import shutil
import struct
import zipfile
import zlib


def png(width, rows):
    """An 8-bit gray picture; rows of bytes."""
    def chunk(kind, body):
        return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))

    header = struct.pack('>IIBBBBB', width, len(rows), 8, 0, 0, 0, 0)
    body = zlib.compress(b''.join(b'\0' + row for row in rows), 1)
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(b'IDAT', body) + chunk(b'IEND', b'')


def fashion(data, out):
    """Fashion-MNIST's 10,000 test pictures, 28 x 28 gray, from IDX files to a folder a class."""
    folder = data / 'datasets/classify-fashion-mnist-t10k-gray'
    pixels = gzip.decompress((folder / 't10k-images-idx3-ubyte.gz').read_bytes())
    labels = gzip.decompress((folder / 't10k-labels-idx1-ubyte.gz').read_bytes())[8:]
    _, count, height, width = struct.unpack('>4I', pixels[:16])
    for number in range(count):
        start = 16 + number * height * width
        rows = [pixels[start + y * width:start + (y + 1) * width] for y in range(height)]
        place = out / str(labels[number])
        place.mkdir(parents=True, exist_ok=True)
        (place / f'{number:05}.png').write_bytes(png(width, rows))
    return out


def omniglot(data, out):
    """136 characters of five alphabets, 20 drawings each, 105 x 105 of one bit, a folder each."""
    for archive in (data / 'datasets/classify-omniglot-small1-gray').rglob('*.zip'):
        with zipfile.ZipFile(archive) as files:
            for name in files.namelist():
                if not name.endswith('.png'):
                    continue
                *_, alphabet, character, file = name.split('/')
                place = out / f'{alphabet}_{character}'
                place.mkdir(parents=True, exist_ok=True)
                (place / file).write_bytes(files.read(name))
    return out


def signs_600(data, out):
    """60 of each hand sign, by the hash of their names: 480 to learn from."""
    for folder in sorted((data / 'datasets/classify-sign-digits/Dataset').iterdir()):
        pictures = [one for one in folder.rglob('*') if one.suffix.lower() == '.jpg']
        pictures.sort(key=lambda one: hashlib.sha256(one.name.encode()).hexdigest())
        for picture in pictures[:60]:
            place = out / picture.parent.name
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(picture, place / picture.name)
    return out


PREPARED = {'fashion': fashion, 'omniglot': omniglot, 'signs-600': signs_600}


def folder_of(data, name, scratch):
    """A dataset of the shared folder by its path, or one that is made in `scratch`, once."""
    if name not in PREPARED:
        return data / 'datasets' / name
    out = pathlib.Path(scratch) / name
    return out if out.exists() else PREPARED[name](data, out)
