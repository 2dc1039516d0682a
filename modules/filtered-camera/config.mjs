// SPDX-License-Identifier: Apache-2.0
//
// The attributes of a filtered camera, the older form included, as one value.

const wrong = (message) => Object.assign(new Error(message), { code: 3 }); // INVALID_ARGUMENT

function number(attributes, key, otherwise) {
  const value = attributes[key] ?? otherwise;
  if (typeof value !== 'number' || !(value >= 0)) throw wrong(`attribute "${key}" must be a number, 0 or more`);
  return value;
}

function text(object, key, where) {
  if (typeof object[key] !== 'string' || object[key] === '') throw wrong(`${where}"${key}" is missing, or not a name`);
  return object[key];
}

// {label: least score, which the score must exceed}; "*" stands for every label.
function scores(object, key, where) {
  const map = object[key] ?? {};
  const valid = typeof map === 'object' && !Array.isArray(map) && Object.values(map).every((score) => typeof score === 'number');
  if (!valid) throw wrong(`${where}"${key}" must give a score for each label, as {"person": 0.8}`);
  return map;
}

function service(object, where) {
  const read = {
    vision: text(object, 'vision', where),
    classifications: scores(object, 'classifications', where),
    objects: scores(object, 'objects', where),
    inhibit: object.inhibit ?? false,
  };
  if (typeof read.inhibit !== 'boolean') throw wrong(`${where}"inhibit" must be true or false`);
  if (Object.keys(read.classifications).length + Object.keys(read.objects).length === 0)
    throw wrong(`${where}"classifications" or "objects" must name a label: nothing would ever be kept`);
  return read;
}

function services(attributes) {
  const list = attributes.vision_services ?? [];
  if (!Array.isArray(list)) throw wrong('attribute "vision_services" must be a list');
  const read = list.map((one, i) => service(one ?? {}, `vision_services[${i}]: `));
  // One service, named by attributes of the camera itself: the form of 2024.
  if (attributes.vision !== undefined) {
    if (read.length > 0) throw wrong('"vision" is the older form of "vision_services": leave one of them out');
    read.push(service(attributes, 'attribute '));
  }
  if (!read.some(({ inhibit }) => !inhibit))
    throw wrong('attribute "vision_services" must have a service that is not "inhibit": nothing would ever be kept');
  return read;
}

/** Throws with `code` where something is wrong. Times are in seconds, image_frequency in hertz. */
export function readConfig(attributes) {
  const config = {
    camera: text(attributes, 'camera', 'attribute '),
    services: services(attributes),
    before: number(attributes, 'window_seconds_before', 0),
    after: number(attributes, 'window_seconds_after', 0),
    frequency: number(attributes, 'image_frequency', 1),
    cooldown: number(attributes, 'cooldown_s', 0),
    debug: attributes.debug === true,
  };
  const both = number(attributes, 'window_seconds', 0);
  if (both > 0 && config.before + config.after > 0)
    throw wrong('"window_seconds" is the older form of "window_seconds_before" and "window_seconds_after": leave one out');
  if (config.frequency === 0) throw wrong('attribute "image_frequency" must be more than 0');
  if (both > 0) Object.assign(config, { before: both, after: both });
  return config;
}
