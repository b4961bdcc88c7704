'use strict';
/*
 * The MCP Apps side of a page (`io.modelcontextprotocol/ui`, protocol 2026-01-26): JSON-RPC 2.0 over
 * postMessage to the host that frames it. Every page of this folder connects once:
 *
 *   const host = connectHost({
 *     name: 'llamp-structure',
 *     onInput(args) {},         // the complete arguments of the tool call
 *     onPartialInput(args) {},  // arguments so far, while the model still writes them
 *     onResult(result, args) {},// a CallToolResult without error: content, structuredContent
 *     onCancelled(reason) {},   // the call was stopped
 *     onContext(context) {},    // theme, styles, locale or size changed (also once at the start)
 *     onTeardown() {},          // the page is about to go: stop timers; may return a promise
 *   });
 *   await host.readJson('structure://s-…/geometry');   // resources/read through the host
 *   await host.callTool('get_job', { job_id });        // tools/call through the host
 *
 * `onInput` and `onResult` may be async: what they throw is shown in the page, as is every other
 * error, in an element of role "alert" at its top. The theme, the style variables and the size of
 * the container are applied here; theme.css builds on them.
 */

const PROTOCOL = '2026-01-26';
const ANSWER_WITHIN_MS = 60000;
const HANDSHAKE_WITHIN_MS = 10000;
const METHOD_NOT_FOUND = -32601;

/** Shows a text at the top of the page as an error; an empty one takes the last away. */
function showError(problem) {
  let box = document.getElementById('problem');
  if (!box) {
    box = document.createElement('p');
    box.id = 'problem';
    box.setAttribute('role', 'alert');
    document.body.prepend(box);
  }
  box.textContent = problem instanceof Error ? problem.message : String(problem || '');
  box.hidden = !box.textContent;
}

/** The text blocks of a CallToolResult, as the model reads them. */
function textOf(result) {
  const blocks = (result.content || []).filter((block) => block.type === 'text');
  return blocks.map((block) => block.text).join('\n');
}

/** Connects to the host; see the top of this file. */
function connectHost(handlers) {
  const waiting = new Map();
  let last = 0;
  let input = {};
  const host = { context: {}, capabilities: {}, input: () => input };

  // The page cannot know the origin of its host, and says nothing that the host did not tell it.
  const post = (message) => window.parent.postMessage({ jsonrpc: '2.0', ...message }, '*');
  const notify = (method, params = {}) => post({ method, params });

  function request(method, params, within = ANSWER_WITHIN_MS) {
    const id = ++last;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(id);
        reject(new Error(`The client did not answer ${method} within ${within / 1000} s.`));
      }, within);
      waiting.set(id, { resolve, reject, timer, method });
      post({ id, method, params });
    });
  }

  function settle({ id, result, error }) {
    const asked = waiting.get(id);
    if (!asked) return;
    waiting.delete(id);
    clearTimeout(asked.timer);
    if (!error) return asked.resolve(result);
    const text =
      error.code === METHOD_NOT_FOUND
        ? `This client does not pass ${asked.method} on to the server.`
        : error.message || `${asked.method} failed`;
    asked.reject(new Error(text));
  }

  async function handle(name, ...args) {
    if (!handlers[name]) return;
    try {
      await handlers[name](...args);
    } catch (error) {
      showError(error);
    }
  }

  const notifications = {
    'ui/notifications/tool-input': (params) => {
      input = params.arguments || {};
      return handle('onInput', input);
    },
    'ui/notifications/tool-input-partial': (params) =>
      handle('onPartialInput', params.arguments || {}),
    'ui/notifications/tool-result': (params) => {
      showError('');
      if (params.isError) return showError(textOf(params) || 'The tool failed.');
      return handle('onResult', params, input);
    },
    'ui/notifications/tool-cancelled': (params) => {
      showError(`The call was stopped${params.reason ? `: ${params.reason}` : ''}.`);
      return handle('onCancelled', params.reason);
    },
    'ui/notifications/host-context-changed': (params) => take(params),
  };
  const requests = {
    ping: () => ({}),
    'ui/resource-teardown': async () => {
      await handle('onTeardown');
      return {};
    },
  };

  async function answer({ id, method, params }) {
    const known = requests[method];
    if (known) return post({ id, result: await known(params || {}) });
    post({ id, error: { code: METHOD_NOT_FOUND, message: `This view has no method ${method}` } });
  }

  window.addEventListener('message', ({ source, data }) => {
    if (source !== window.parent || !data || data.jsonrpc !== '2.0') return;
    if (!data.method) return settle(data);
    if (data.id !== undefined) return answer(data);
    if (notifications[data.method]) notifications[data.method](data.params || {});
  });
  window.addEventListener('error', (event) => showError(event.message));
  window.addEventListener('unhandledrejection', (event) => showError(event.reason));

  function take(context) {
    host.context = { ...host.context, ...context };
    applyContext(host.context);
    return handle('onContext', host.context);
  }

  /** The contents of a resource of the server: `[{uri, mimeType, text or blob}]`. */
  host.readResource = async (uri) => (await request('resources/read', { uri })).contents;

  /** A JSON resource of the server, parsed. */
  host.readJson = async (uri) => JSON.parse((await host.readResource(uri))[0].text);

  /** Calls a tool of the server; its error becomes an `Error` with the tool's words. */
  host.callTool = async (name, args) => {
    const result = await request('tools/call', { name, arguments: args });
    if (result.isError) throw new Error(textOf(result) || `${name} failed`);
    return result;
  };

  /** Offers a file to the user through the host; false where the host does not, or declines. */
  host.download = async (name, mimeType, base64) => {
    if (!host.capabilities.downloadFile) return false;
    const resource = { uri: `file:///${encodeURIComponent(name)}`, mimeType, blob: base64 };
    const params = { contents: [{ type: 'resource', resource }] };
    return !(await request('ui/download-file', params)).isError;
  };

  host.ready = (async () => {
    if (window.parent === window) throw new Error('This page shows the results of llamp-mcp inside an MCP client.');
    const told = await request(
      'ui/initialize',
      {
        appInfo: { name: handlers.name, version: '1.0.0' },
        appCapabilities: { availableDisplayModes: ['inline', 'fullscreen'] },
        protocolVersion: PROTOCOL,
      },
      HANDSHAKE_WITHIN_MS,
    );
    host.capabilities = told.hostCapabilities || {};
    await take(told.hostContext || {});
    notify('ui/notifications/initialized');
    reportSize(notify);
  })().catch(showError);
  return host;
}

/** Theme, style variables, language and size of the container, as attributes that theme.css reads. */
function applyContext(context) {
  const root = document.documentElement;
  if (context.theme) root.style.colorScheme = context.theme;
  if (context.locale) root.lang = context.locale;
  for (const [name, value] of Object.entries(context.styles?.variables || {})) {
    if (name.startsWith('--') && value) root.style.setProperty(name, value);
  }
  const size = context.containerDimensions || {};
  root.classList.toggle('fixed-height', Boolean(size.height));
  if (size.maxHeight) root.style.setProperty('--container-height', `${size.maxHeight}px`);
  for (const [side, px] of Object.entries(context.safeAreaInsets || {})) {
    root.style.setProperty(`--inset-${side}`, `${px}px`);
  }
}

/** Tells the host how tall the page is, whenever that changes. */
function reportSize(notify) {
  let told = '';
  const tell = () => {
    const height = Math.ceil(document.body.getBoundingClientRect().height);
    const width = Math.ceil(window.innerWidth);
    if (told === `${width} ${height}`) return;
    told = `${width} ${height}`;
    notify('ui/notifications/size-changed', { width, height });
  };
  new ResizeObserver(tell).observe(document.body);
  tell();
}
