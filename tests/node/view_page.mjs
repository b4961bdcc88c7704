// Runs in the host's page: the official AppBridge between the server and one view.
import { AppBridge, PostMessageTransport } from '@modelcontextprotocol/ext-apps/app-bridge';

const log = (window.hostLog = []);
const asked = (window.hostAsked = []);
let bridge;

async function server(method, params) {
  const response = await fetch(`/${method}`, { method: 'POST', body: JSON.stringify(params) });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

function note(kind) {
  return async params => {
    asked.push({ kind, params });
    log.push(kind);
    return {};
  };
}

function answerTheView() {
  bridge.onsizechange = size => log.push(`size ${JSON.stringify(size)}`);
  bridge.onloggingmessage = message => log.push(`log ${JSON.stringify(message)}`);
  bridge.onopenlink = note('open-link');
  bridge.ondownloadfile = note('download-file');
  bridge.onmessage = note('message');
  bridge.onupdatemodelcontext = note('update-model-context');
  bridge.onrequestdisplaymode = async ({ mode }) => {
    log.push(`display-mode ${mode}`);
    return { mode: 'inline' };
  };
  bridge.oncalltool = params => {
    log.push(`call ${params.name}`);
    return server('call', params);
  };
  bridge.onreadresource = params => {
    log.push(`read ${params.uri}`);
    return server('read', params);
  };
}

window.openView = async (address, context, capabilities) => {
  const frame = document.querySelector('iframe');
  bridge = new AppBridge(null, { name: 'test-host', version: '1' }, capabilities, {
    hostContext: context,
  });
  const initialized = new Promise(resolve => {
    bridge.oninitialized = () => {
      log.push('initialized');
      resolve();
    };
  });
  answerTheView();
  await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
  frame.src = address;
  await initialized;
};

window.giveResult = async (call, wanted) => {
  await bridge.sendToolInput({ arguments: call.arguments });
  log.push('input sent');
  const result = await server('call', call);
  if (wanted) {
    await bridge.sendToolResult(result);
    log.push('result sent');
  } else {
    await bridge.sendToolCancelled({ reason: 'the test asked for it' });
    log.push('cancelled sent');
  }
  return result;
};

window.changeContext = context => bridge.setHostContext(context);
window.closeView = () => bridge.teardownResource({});
