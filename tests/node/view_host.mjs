// Hosts one MCP Apps view as a chat client does, and does to it what the script on stdin says; the
// report goes to stdout, as JSON. See view_host in fixtures.py for the script and the report.
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { build } from 'esbuild';
import puppeteer from 'puppeteer-core';
import { environment, executable } from './unpack_chromium.mjs';

const MIME = 'text/html;profile=mcp-app';
// What the specification has a host apply where a view declares no domains of its own.
const POLICY =
  "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; " +
  "img-src 'self' data:; media-src 'self' data:; connect-src 'none'; object-src 'none'; " +
  "frame-src 'none'; base-uri 'self'";
const CAPABILITIES = {
  serverTools: {},
  serverResources: {},
  openLinks: {},
  downloadFile: {},
  logging: {},
  message: { text: {} },
  updateModelContext: { text: {}, structuredContent: {} },
};

const script = await json(process.stdin);
const closing = [];

async function listen(answer) {
  const web = createServer(async (request, response) => {
    try {
      const { kind, body, headers } = await answer(request);
      response.writeHead(200, { 'content-type': kind, ...headers }).end(body);
    } catch (error) {
      response.writeHead(500, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: error.message }));
    }
  });
  await new Promise(resolve => web.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    web.closeAllConnections();
    web.close();
  });
  return web.address().port;
}

/** "$1.structure_id" stands for a value of the first of the earlier results. */
function filled(value, results) {
  if (typeof value === 'string' && /^\$\d+\./.test(value)) {
    const [index, ...keys] = value.slice(1).split('.');
    return keys.reduce((inner, key) => inner[key], results[index - 1]);
  }
  if (Array.isArray(value)) return value.map(each => filled(each, results));
  if (value && typeof value === 'object')
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [key, filled(each, results)]),
    );
  return value;
}

async function connected() {
  const capabilities = { extensions: { 'io.modelcontextprotocol/ui': { mimeTypes: [MIME] } } };
  const client = new Client(
    { name: 'test-host', version: '1' },
    { capabilities, versionNegotiation: { mode: 'auto' } },
  );
  const [command, ...args] = script.command;
  await client.connect(
    new StdioClientTransport({ command, args, env: script.environment, stderr: 'inherit' }),
  );
  closing.push(() => client.close());
  return client;
}

/** Calls a tool and follows the job that it may have started. */
async function followed(client, name, args) {
  let result = await client.callTool({ name, arguments: args });
  while (['queued', 'running', 'interrupted'].includes(result.structuredContent?.state))
    result = await client.callTool({
      name: 'get_job',
      arguments: { job_id: result.structuredContent.job_id },
    });
  if (result.isError) throw new Error(`${name}: ${result.content[0].text}`);
  return result.structuredContent;
}

async function view(client) {
  const { tools } = await client.listTools();
  const tool = tools.find(each => each.name === script.tool);
  const uri = tool?._meta?.ui?.resourceUri;
  if (!uri) throw new Error(`the tool ${script.tool} has no view`);
  const [page] = (await client.readResource({ uri })).contents;
  if (page.mimeType !== MIME) throw new Error(`${uri} is ${page.mimeType}`);
  return { uri, tool, html: page.text };
}

async function launched() {
  const browser = await puppeteer.launch({
    executablePath: process.env.LLAMP_CHROMIUM || executable,
    env: process.env.LLAMP_CHROMIUM ? process.env : { ...process.env, ...environment },
    headless: 'shell',
    pipe: true, // it ends with this process, however that ends
    args: [
      '--no-sandbox',
      '--no-zygote',
      '--disable-dev-shm-usage',
      '--use-gl=angle',
      '--use-angle=swiftshader',
      '--enable-unsafe-swiftshader',
    ],
  });
  closing.push(() => browser.close());
  return browser;
}

function watched(page, report) {
  page.on('console', message => {
    if (message.type() === 'error') report.errors.push(message.text());
    if (message.type() === 'warn') report.warnings.push(message.text());
  });
  page.on('pageerror', error => report.errors.push(String(error)));
  page.on('request', request => {
    const url = request.url();
    const ours =
      /^(data|blob|about):/.test(url) ||
      report.origins.some(origin => url.startsWith(`${origin}/`));
    if (!ours) report.outside.push(url);
  });
}

const STEPS = {
  async click({ frame, box, page }, where) {
    if (typeof where === 'string') await frame.click(where);
    else await page.mouse.click(box.x + where[0], box.y + where[1]);
  },
  hover: ({ box, page }, [x, y]) => page.mouse.move(box.x + x, box.y + y),
  async drag({ box, page }, [x, y, to_x, to_y]) {
    await page.mouse.move(box.x + x, box.y + y);
    await page.mouse.down();
    await page.mouse.move(box.x + to_x, box.y + to_y, { steps: 8 });
    await page.mouse.up();
  },
  async wheel({ box, page }, [x, y, delta]) {
    await page.mouse.move(box.x + x, box.y + y);
    await page.mouse.wheel({ deltaY: delta });
  },
  focus: ({ frame }, selector) => frame.focus(selector),
  key: ({ page }, key) => page.keyboard.press(key),
  type: ({ page }, text) => page.keyboard.type(text),
  select: ({ frame }, [selector, value]) => frame.select(selector, value),
  pause: (_, milliseconds) => new Promise(resolve => setTimeout(resolve, milliseconds)),
  wait: ({ frame }, text) =>
    frame.waitForFunction(
      wanted => document.body.innerText.includes(wanted),
      { timeout: script.step_ms },
      text,
    ),
  until: ({ frame }, expression) => frame.waitForFunction(expression, { timeout: script.step_ms }),
  async evaluate({ frame, report }, expression) {
    report.evaluated.push((await frame.evaluate(expression)) ?? null);
  },
  async screenshot({ frame, page, element }, { path, selector }) {
    const what = selector ? await frame.$(selector) : element;
    if (!what) throw new Error(`no element ${selector}`);
    await what.screenshot({ path });
  },
  context: ({ page }, context) => page.evaluate(given => window.changeContext(given), context),
  async resize({ page }, [width, height]) {
    await page.evaluate(
      (w, h) => {
        Object.assign(document.querySelector('iframe').style, {
          width: `${w}px`,
          height: `${h}px`,
        });
        window.changeContext({ containerDimensions: { width: w, height: h } });
      },
      width,
      height,
    );
  },
  close: ({ page }) => page.evaluate(() => window.closeView()),
};

async function perform(step, at) {
  const [[name, value]] = Object.entries(step);
  if (!STEPS[name]) throw new Error(`no step ${name}; there are ${Object.keys(STEPS).join(', ')}`);
  at.box = await at.element.boundingBox();
  try {
    await STEPS[name](at, value);
  } catch (error) {
    const text = await at.frame.evaluate('document.body.innerText').catch(() => '');
    throw new Error(
      `step ${JSON.stringify(step)}: ${error.message}; the view says ${JSON.stringify(text.slice(0, 500))}`,
    );
  }
}

async function opened(client, found, report) {
  const [width, height] = script.size;
  const bundle = await build({
    entryPoints: [fileURLToPath(new URL('view_page.mjs', import.meta.url))],
    bundle: true,
    minify: true,
    write: false,
    logLevel: 'error',
  });
  const background = script.context.theme === 'dark' ? '#1f1e1d' : '#ffffff';
  const host =
    `<!doctype html><html><body style="margin:0;background:${background}"><iframe sandbox="allow-scripts" ` +
    `style="border:0;display:block;width:${width}px;height:${height}px"></iframe><script src="/host.js"></script></body></html>`;
  const answer = async request => {
    if (request.method === 'GET') {
      if (request.url === '/host.js')
        return { kind: 'text/javascript', body: bundle.outputFiles[0].text };
      return { kind: 'text/html; charset=utf-8', body: request.url === '/' ? host : '' };
    }
    const params = await json(request);
    const result =
      request.url === '/call' ? await client.callTool(params) : await client.readResource(params);
    return { kind: 'application/json', body: JSON.stringify(result) };
  };
  const view_port = await listen(() => ({
    kind: 'text/html; charset=utf-8',
    body: found.html,
    headers: { 'content-security-policy': POLICY },
  }));
  const host_port = await listen(answer);
  const address = `http://localhost:${view_port}`;
  report.origins = [address, `http://127.0.0.1:${host_port}`];
  const page = await (await launched()).newPage();
  await page.setViewport({
    width: Math.max(width, 400),
    height: Math.max(height, 300),
    deviceScaleFactor: script.scale,
  });
  watched(page, report);
  await page.goto(report.origins[1]);
  const context = {
    displayMode: 'inline',
    locale: 'en-GB',
    platform: 'desktop',
    toolInfo: { tool: found.tool },
    containerDimensions: { width, height },
    ...script.context,
  };
  await page.evaluate((...given) => window.openView(...given), address, context, {
    ...CAPABILITIES,
    ...script.capabilities,
  });
  const element = await page.$('iframe');
  return { page, element, frame: await element.contentFrame(), report };
}

async function main(report) {
  const client = await connected();
  const earlier = [];
  for (const [name, args] of script.before)
    earlier.push(await followed(client, name, filled(args, earlier)));
  const found = await view(client);
  Object.assign(report, { uri: found.uri, page_bytes: Buffer.byteLength(found.html) });
  const at = await opened(client, found, report);
  const call = { name: script.tool, arguments: filled(script.arguments, earlier) };
  report.result = await at.page.evaluate(
    (...given) => window.giveResult(...given),
    call,
    script.deliver,
  );
  for (const step of script.steps) await perform(step, at);
  const seen = await at.frame.evaluate(() => ({
    text: document.body.innerText,
    paint: Object.fromEntries(
      performance.getEntriesByType('paint').map(entry => [entry.name, entry.startTime]),
    ),
  }));
  const host = await at.page.evaluate(() => ({ log: window.hostLog, asked: window.hostAsked }));
  Object.assign(report, seen, host);
}

const report = {
  errors: [],
  warnings: [],
  outside: [],
  origins: [],
  evaluated: [],
  log: [],
  asked: [],
};
try {
  await main(report);
} catch (error) {
  report.failure = error.stack;
}
for (const close of closing.reverse())
  await Promise.resolve()
    .then(close)
    .catch(() => {});
process.stdout.write(JSON.stringify(report), () => process.exit(0));
