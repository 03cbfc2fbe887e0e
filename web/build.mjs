// Bundles the dashboard into a folder: index.html, and assets/ with hashed names, each also compressed. Prints how much goes over
// the network, and fails when that is more than it may be.
//
//   node web/build.mjs [OUTPUT]     default: build/web
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const GZIP_MAX = 350_000;
const web = dirname(fileURLToPath(import.meta.url));
const modules = resolve(web, '../build/web-npm/node_modules');
const output = resolve(process.argv[2] ?? join(web, '../build/web'));
const esbuild = createRequire(join(modules, 'x.js'))('esbuild');

const bundled = await esbuild.build({
    entryPoints: { main: join(web, 'src/main.ts'), style: join(web, 'src/style/main.css') },
    outdir: output,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'none',
    write: false,
    nodePaths: [modules],
    logLevel: 'warning',
});
const text = (name) => Buffer.from(bundled.outputFiles.find((file) => file.path.endsWith(name)).contents);
const assets = { 'main.js': text('main.js'), 'main.css': text('style.css'), 'icon.svg': readFileSync(join(web, 'icon.svg')) };

let index = readFileSync(join(web, 'index.html'), 'utf8');
let total = 0;
const sizes = [];
function put(path, content) {
    const packed = gzipSync(content, { level: 9 });
    writeFileSync(join(output, path), content);
    writeFileSync(join(output, path + '.gz'), packed);
    total += packed.length;
    sizes.push(`${path} ${packed.length}`);
}
rmSync(output, { recursive: true, force: true });
mkdirSync(join(output, 'assets'), { recursive: true });
for (const [name, content] of Object.entries(assets)) {
    const [stem, ending] = name.split('.');
    const hashed = `${stem}.${createHash('sha256').update(content).digest('hex').slice(0, 12)}.${ending}`;
    put(`assets/${hashed}`, content);
    index = index.replace(`/assets/${name}"`, `/assets/${hashed}"`);
}
put('index.html', index);

console.log(`${sizes.join('\n')}\ntotal ${total} bytes gzip, at most ${GZIP_MAX}`);
if (total > GZIP_MAX) {
    console.error(`web: ${total} bytes are more than ${GZIP_MAX}: leave something out, or load it later`);
    process.exit(1);
}
