/** A web server for a site's files that may fall ill, or be somebody who wants a reader to see what is not so. */

import { createServer } from 'node:http';

import { INTRANET } from './browser.mjs';

const TYPES = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css',
  json: 'application/json',
};

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

/**
 * Serve files by path, which a test may change meanwhile. `ill.path` is a pattern of paths that `ill.how` happens to.
 * `base` is the address on this machine, `intranet` by a name that is not localhost; `asked` has every path.
 */
export async function host(files, ill = {}) {
  const asked = [];
  const server = createServer((request, response) => {
    let path = decodeURIComponent(new URL(request.url, 'http://host').pathname).slice(1);
    if (path === '' || path.endsWith('/')) path += 'index.html';
    asked.push(path);
    const bytes = files.get(path);
    if (bytes && ill.path?.test(path)) return ill.how(response, Buffer.from(bytes));
    response.writeHead(bytes ? 200 : 404, {
      'content-type': TYPES[path.split('.').pop()] ?? 'application/octet-stream',
    });
    response.end(bytes);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  return {
    base: `http://127.0.0.1:${port}/`,
    intranet: `http://${INTRANET}:${port}/`,
    asked,
    ill,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
