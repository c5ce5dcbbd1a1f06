// Asks so often when nothing is new: node bench/poll.ts URL PEOPLE.json COUNT
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { ownCost } from './processes.ts';

const [url = '', list = '', count = '0'] = process.argv.slice(2);
const people = JSON.parse(readFileSync(list, 'utf8')) as { bearer: string; token: string }[];
const AT_ONCE = 8;
const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });

function ask({ bearer, token }: { bearer: string; token: string }): Promise<void> {
  const body = JSON.stringify({ v: 1, device: 'bench', token, accept: ['zstd'] });
  return new Promise((resolve, reject) => {
    const asked = request(`${url}/v1/sync`, { method: 'POST', agent, headers: { 'content-type': 'application/json', authorization: `Bearer ${bearer}`, 'content-length': body.length } }, (response) => {
      response.resume().on('end', () => (response.statusCode === 200 ? resolve() : reject(new Error(`${response.statusCode}`))));
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

let left = Number(count);
await Promise.all(Array.from({ length: AT_ONCE }, async () => { while (left-- > 0) await ask(people[left % people.length] ?? { bearer: '', token: '' }); }));
agent.destroy();
console.log(JSON.stringify(ownCost()));
