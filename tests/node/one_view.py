"""A server with one view that does what its argument asks for, to test the host of views."""

from __future__ import annotations

from mcp.server.apps import APP_MIME_TYPE, Apps
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.resources import FunctionResource

URI = "ui://test/page"
PAGE = """<!doctype html><meta charset="utf-8"><title>page</title>
<canvas id="gl" width="100" height="100"></canvas><p id="said">waiting</p><button>press</button>
<script>
let id = 0; const waiting = {};
const say = message => parent.postMessage({ jsonrpc: '2.0', ...message }, '*');
const ask = (method, params) => new Promise(done => {
  waiting[++id] = done; say({ id, method, params });
});
const show = text => { document.getElementById('said').textContent += ' ' + text; };
const DO = {
  ask: async () => {
    const called = await ask('tools/call', { name: 'show', arguments: { act: 'again' } });
    show(called.result.content[0].text);
    const read = await ask('resources/read', { uri: 'ui://test/page' });
    show('read ' + read.result.contents[0].uri);
  },
  download: () => ask('ui/download-file', { contents: [
    { type: 'resource', resource: { uri: 'file:///a.txt', mimeType: 'text/plain', text: 'a' } }] }),
  misbehave: () => {
    new Image().src = 'http://127.0.0.2:9/x.png';
    fetch('http://127.0.0.2:9/');
    for (const act of [() => new Function('return 1')(), () => parent.document.title])
      setTimeout(act);
  },
};
addEventListener('message', ({ data }) => {
  if (data.id && waiting[data.id]) waiting[data.id](data);
  if (data.id !== undefined && data.method) say({ id: data.id, result: {} });
  if (data.method === 'ui/notifications/host-context-changed') show(data.params.theme);
  if (data.method === 'ui/notifications/tool-cancelled') show('cancelled');
  if (data.method === 'ui/notifications/tool-result') {
    const text = data.params.content[0].text;
    show(text);
    DO[text]?.();
  }
});
document.querySelector('button').onclick = () => show('pressed');
addEventListener('keydown', event => show(event.key));
const gl = document.getElementById('gl').getContext('webgl2');
gl.clearColor(1, 0, 0, 1); gl.clear(gl.COLOR_BUFFER_BIT);
ask('ui/initialize', { protocolVersion: '2026-01-26', appInfo: { name: 'page', version: '1' },
  appCapabilities: {} }).then(answer => {
  show(answer.result.hostContext.theme);
  say({ method: 'ui/notifications/initialized', params: {} });
});
</script>"""


def server() -> MCPServer[None]:
    """The server: the tool `show` gives its argument back."""
    apps = Apps()
    apps.add_resource(
        FunctionResource(uri=URI, name="page", mime_type=APP_MIME_TYPE, fn=lambda: PAGE)
    )
    made: MCPServer[None] = MCPServer("one-view", extensions=[apps])

    @made.tool(meta={"ui": {"resourceUri": URI}})
    def show(act: str) -> str:
        return act

    return made


if __name__ == "__main__":
    server().run()
