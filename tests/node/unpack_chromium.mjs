// Unpacks the Chromium of @sparticuz/chromium, with its libraries and a font, into
// node_modules/.chromium: an image without Chromium's libraries and fonts can run it, and every
// machine draws the same letters.
import chromium, { inflate } from '@sparticuz/chromium';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const home = fileURLToPath(new URL('node_modules/.chromium', import.meta.url));
export const executable = join(home, 'chromium');
export const environment = {
  LD_LIBRARY_PATH: join(home, 'al2023', 'lib'),
  FONTCONFIG_FILE: join(home, 'fonts.conf'),
};

async function unpack() {
  mkdirSync(home, { recursive: true });
  process.env.TMPDIR = home; // where the package unpacks to
  await chromium.executablePath();
  await inflate(
    fileURLToPath(new URL('../bin/al2023.tar.br', import.meta.resolve('@sparticuz/chromium'))),
  );
  const [fonts, cache] = [join(home, 'fonts'), join(home, 'font-cache')];
  writeFileSync(
    environment.FONTCONFIG_FILE,
    `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">` +
      `<fontconfig><dir>${fonts}</dir><cachedir>${cache}</cachedir></fontconfig>\n`,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await unpack();
