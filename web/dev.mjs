// For work on the dashboard: serves build/web as daybook-api does, bundles again when a source changes, and passes questions on to
// a real API with a token. No sign-in is needed; GET /session is answered here when the API does not know it.
//
//   . DIR/env; DAYBOOK_API=$API_URL DAYBOOK_TOKEN=$API_TOKEN node web/dev.mjs [PORT]     default port: 8900
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, watch } from 'node:fs';
import { createServer, request } from 'node:http';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const web = dirname(fileURLToPath(import.meta.url));
const output = process.env.DAYBOOK_WEB ?? join(web, '../build/web');
const api = new URL(process.env.DAYBOOK_API ?? 'http://127.0.0.1:8700');
const token = process.env.DAYBOOK_TOKEN ?? '';
const port = Number(process.argv[2] ?? 8900);
const TYPES = {
    '.html': 'text/html; charset=utf-8',
    '.js': 'text/javascript; charset=utf-8',
    '.css': 'text/css; charset=utf-8',
    '.svg': 'image/svg+xml',
};
const CSP =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; " +
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const PERMISSIONS = ['admin', 'oauth:client:view', 'usage:organization:view', 'usage:simpleSearch:view', 'usage:client:view'];

function bundle() {
    try {
        console.log(
            execFileSync(process.execPath, [join(web, 'build.mjs'), output], { encoding: 'utf8' })
                .trim()
                .split('\n')
                .pop(),
        );
    } catch (error) {
        console.error(String(error.stderr ?? error));
    }
}

function serveFile(path, response) {
    const content = readFileSync(join(output, path));
    response.writeHead(200, {
        'Content-Type': TYPES[extname(path)] ?? 'application/octet-stream',
        'Content-Security-Policy': CSP,
        'Cache-Control': 'no-cache',
    });
    response.end(content);
}

function pass(asked, response) {
    const headers = { ...asked.headers, host: api.host, authorization: `Bearer ${token}` };
    delete headers.cookie;
    const passed = request(new URL(asked.url, api), { method: asked.method, headers }, (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
    });
    passed.on('error', (error) => response.writeHead(502).end(error.message));
    asked.pipe(passed);
}

async function session(response) {
    const known = await fetch(new URL('/session', api), { headers: { authorization: `Bearer ${token}` } }).catch(() => null);
    const own = {
        name: 'developer',
        organization: null,
        client: null,
        permissions: PERMISSIONS,
        organizations: (process.env.DAYBOOK_ORGANIZATIONS ?? '').split(',').filter(Boolean),
    };
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(known?.ok ? await known.json() : own));
}

let timer;
watch(join(web, 'src'), { recursive: process.platform !== 'linux' || Number(process.versions.node.split('.')[0]) >= 20 }, () => {
    clearTimeout(timer);
    timer = setTimeout(bundle, 200);
});
bundle();
createServer((asked, response) => {
    const path = new URL(asked.url, 'http://dev').pathname;
    if (path === '/session') {
        void session(response);
    } else if (/^\/(api|v1|stats|oauth|healthz|readyz|metrics)(\/|$)/.test(path)) {
        pass(asked, response);
    } else if (path.startsWith('/assets/') && readdirSync(join(output, 'assets')).includes(path.slice(8))) {
        serveFile(path.slice(1), response);
    } else {
        serveFile('index.html', response);
    }
}).listen(port, '127.0.0.1', () => console.log(`http://127.0.0.1:${port}`));
