// Drives a server with one of the official TypeScript clients, as the request on stdin says, and
// writes what came back to stdout, as JSON.
import { json } from 'node:stream/consumers';
import * as V1 from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as StdioV1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import * as V2 from '@modelcontextprotocol/client';
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio';

const { sdk, mode, stdio, http } = await json(process.stdin);
const me = { name: 'test-client', version: '1' };

function transport() {
  const [Stdio, Http] = sdk === 1 ? [StdioV1, HttpV1] : [StdioV2, V2.StreamableHTTPClientTransport];
  if (stdio) return new Stdio({ ...stdio, stderr: 'inherit' });
  const headers = { authorization: `Bearer ${http.token}` };
  return new Http(new URL(http.url), { requestInit: { headers } });
}

const client =
  sdk === 1
    ? new V1.Client(me, { capabilities: {} })
    : new V2.Client(me, { capabilities: {}, versionNegotiation: { mode } });

async function outcome(call) {
  try {
    return await call();
  } catch (error) {
    return { thrown: error.message };
  }
}

async function seen() {
  await client.connect(transport());
  const search = args => client.callTool({ name: 'search_materials', arguments: args });
  const question = { question: 'gap of Si?' };
  return {
    server: client.getServerVersion(),
    instructions: client.getInstructions(),
    tools: (await client.listTools()).tools.map(tool => tool.name),
    resources: (await client.listResources()).resources.map(resource => resource.uri),
    templates: (await client.listResourceTemplates()).resourceTemplates.length,
    prompts: (await client.listPrompts()).prompts.map(prompt => prompt.name),
    called: await search({ formula: 'Si', limit: 1 }),
    refused: await outcome(() => search({ formula: 'Si', no_such_filter: 1 })),
    unknown: await outcome(() => client.callTool({ name: 'no_such_tool', arguments: {} })),
    read: await client.readResource({ uri: 'llamp://source' }),
    prompt: await client.getPrompt({ name: 'materials_scientist', arguments: question }),
  };
}

const report = await outcome(seen);
await client.close().catch(() => {});
process.stdout.write(JSON.stringify(report), () => process.exit(0));
