/** What may befall a web server of a site's files, or be done by one that wants a reader to see what is not so. */

const send =
  (status, body = '', headers = {}) =>
  (response) =>
    response.writeHead(status, headers).end(body);

/** What a host can do with a file that it should give: `(response, bytes)`. */
export const ILLS = {
  'is not there': send(404, '<html><h1>Not Found</h1></html>', { 'content-type': 'text/html' }),
  'is forbidden': send(403),
  'breaks down': send(500, 'oops'),
  'is a web page': send(200, '<!DOCTYPE html><title>核验通过</title><h1>核验通过</h1>', {
    'content-type': 'text/html',
  }),
  'is empty': send(200),
  'is somewhere else': send(302, '', { location: 'http://stranger.example/file' }),
  'is cut': (response, bytes) => response.writeHead(200).end(bytes.subarray(0, bytes.length >> 1)),
  'breaks off'(response, bytes) {
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, bytes.length >> 1), () => response.destroy());
  },
  'has a bit flipped'(response, bytes) {
    const changed = Buffer.from(bytes);
    changed[changed.length >> 1] ^= 1;
    response.writeHead(200).end(changed);
  },
  'claims to be huge': (response) => response.writeHead(200, { 'content-length': 2 ** 40 }).write('x'),
  'never ends'(response) {
    response.writeHead(200);
    const part = Buffer.alloc(2 ** 20, 'x');
    const more = () => {
      while (!response.destroyed && response.write(part));
      if (!response.destroyed) response.once('drain', more);
    };
    more();
  },
  'never comes': () => {},
};
