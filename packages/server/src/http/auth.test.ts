import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../testing/manual-clock.ts';
import type { Config } from '../core/config.ts';
import { Auth, personOf, signToken, type AuthOptions } from './auth.ts';

const SECRET = new TextEncoder().encode('a secret of thirty-two characters');
const OTHER = new TextEncoder().encode('another one of thirty-two letters');
const NOW_MS = 1_800_000_000_000;
const HOUR_S = 3600;
const NOW_S = NOW_MS / 1000;

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const refused = (code: string): Error => expect.objectContaining({ name: 'CarryonError', code }) as Error;

function setup(options: AuthOptions = { secret: SECRET }, development?: Uint8Array): { clock: ManualClock; user(token: string): Promise<string> } {
  const clock = new ManualClock(NOW_MS);
  const auth = new Auth(options, clock, development);
  return { clock, user: async (token) => (await auth.caller(`Bearer ${token}`)).user };
}

const hs256 = (claims: Record<string, unknown>, key = SECRET): Promise<string> => new SignJWT({ exp: NOW_S + HOUR_S, ...claims }).setProtectedHeader({ alg: 'HS256' }).sign(key);

type KeyServer = { url: string; answer: { status: number; body: string }; asked: number };

/** A real server of keys on this machine; what it answers can be changed. */
async function withKeys(work: (server: KeyServer, sign: (claims: JWTPayload, alg?: string) => Promise<string>) => Promise<void>): Promise<void> {
  const pairs = await Promise.all(['RS256', 'ES256', 'EdDSA'].map(async (alg) => ({ alg, ...(await generateKeyPair(alg)) })));
  const keys = await Promise.all(pairs.map(async ({ alg, publicKey }) => ({ ...(await exportJWK(publicKey)), alg, kid: alg })));
  const server: KeyServer = { url: '', answer: { status: 200, body: JSON.stringify({ keys }) }, asked: 0 };
  const http = createServer((_, response) => {
    server.asked++;
    response.writeHead(server.answer.status, { 'content-type': 'application/json', connection: 'close' }).end(server.answer.body);
  });
  await once(http.listen(0, '127.0.0.1'), 'listening');
  server.url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/keys`;
  try {
    await work(server, (claims, alg = 'RS256') => {
      const pair = pairs.find((one) => one.alg === alg) ?? expect.fail(`no key for ${alg}`);
      return new SignJWT({ exp: NOW_S + HOUR_S, ...claims }).setProtectedHeader({ alg, kid: alg }).sign(pair.privateKey);
    });
  } finally {
    http.close();
  }
}

describe('tokens of a shared secret', () => {
  it('S45 name the person, whatever the letters of "Bearer"', async () => {
    const auth = new Auth({ secret: SECRET }, new ManualClock(NOW_MS));
    const token = await signToken(SECRET, 'ann', NOW_MS, 60_000);
    for (const scheme of ['Bearer', 'bearer', 'BEARER  ']) expect(await auth.caller(`${scheme} ${token}`)).toMatchObject({ user: 'ann', isAdmin: false, token });
  });

  it('S82 make their bearer an admin only by the claim itself, also when they are asked for again', async () => {
    const auth = new Auth({ secret: SECRET }, new ManualClock(NOW_MS));
    const isAdmin = async (token: string): Promise<boolean> => (await auth.caller(`Bearer ${token}`)).isAdmin;
    const [admin, other] = [await signToken(SECRET, 'ann', NOW_MS, 60_000, { admin: true }), await signToken(SECRET, 'ann', NOW_MS, 60_000, { admin: false })];
    expect([await isAdmin(admin), await isAdmin(other), await isAdmin(admin), await isAdmin(other)]).toEqual([true, false, true, false]);
    for (const claim of ['true', 1, [true], {}, null]) expect(await isAdmin(await hs256({ sub: 'ann', carryon_admin: claim })), String(claim)).toBe(false);
  });

  it('S93 carry the claims that the profiles name; those of another kind count as absent, and others are not looked at', async () => {
    const claims = async (payload: Record<string, unknown>, named: Config['people']['claims'] | 'none' = { teams: 'groups', unit: 'unit' }): Promise<unknown> => {
      const caller = await new Auth({ secret: SECRET }, new ManualClock(NOW_MS)).caller(`Bearer ${await hs256({ sub: 'ann', ...payload })}`);
      const config: Config = { tables: [], nodes: [], profiles: [], unions: {}, people: named === 'none' ? {} : { claims: named }, timeZone: 'UTC' };
      return personOf(caller, config);
    };
    expect(await claims({ groups: ['a', 'b'], unit: 'u', other: 'x' })).toEqual({ user: 'ann', claims: { teams: ['a', 'b'], unit: 'u' } });
    expect(await claims({ groups: 'a' })).toEqual({ user: 'ann', claims: { teams: ['a'] } });
    expect(await claims({ groups: ['a', 1, 1.5, null, ['b'], 'c'], unit: ['u'] })).toEqual({ user: 'ann', claims: { teams: ['a', '1', 'c'] } });
    expect(await claims({ groups: 7, unit: 3 })).toEqual({ user: 'ann', claims: { teams: ['7'], unit: '3' } });
    for (const wrong of [1.5, true, null, { a: 'b' }]) expect(await claims({ groups: wrong, unit: wrong }), String(wrong)).toEqual({ user: 'ann', claims: {} });
    expect(await claims({ groups: ['a\ud800', 'b', '\udfff'], unit: 'u\ud800' })).toEqual({ user: 'ann', claims: { teams: ['b'] } });
    expect(await claims({ groups: ['a'], unit: 'u' }, { unit: 'unit' })).toEqual({ user: 'ann', claims: { unit: 'u' } });
    expect(await claims({ groups: ['a'], unit: 'u' }, 'none')).toEqual({ user: 'ann', claims: {} });
    expect(await claims({}, { teams: 'constructor', unit: '__proto__' })).toEqual({ user: 'ann', claims: {} });
  });

  it('S45 whose person is no text are refused', async () => {
    const { user } = setup();
    for (const sub of ['x\ud800', '\udfff', '', 7, null, ['ann'], { a: 1 }]) await expect(user(await hs256({ sub } as Record<string, unknown>)), JSON.stringify(sub)).rejects.toThrow(refused('auth.invalid'));
    expect(await user(await hs256({ sub: 'x\ufffd' }))).toBe('x\ufffd');
  });

  it('S45 are missing when there is none, or something else', async () => {
    const auth = new Auth({ secret: SECRET }, new ManualClock(NOW_MS));
    for (const header of [undefined, '', 'Bearer', 'Bearer ', 'Basic YTpi', 'Bearer a b', 'Bearer a\nb', 'xBearer abc']) {
      await expect(auth.caller(header), String(header)).rejects.toThrow(refused('auth.missing'));
    }
  });

  it('S45 are refused when they are forged', async () => {
    const { user } = setup();
    const [header = '', payload = '', signature = ''] = (await hs256({ sub: 'ann' })).split('.');
    const none = `${part({ alg: 'none' })}.${part({ sub: 'ann', exp: NOW_S + HOUR_S })}.`;
    const forged = [
      none, `${none}${signature}`, none.slice(0, -1), `${header}.${part({ sub: 'bob', exp: NOW_S + HOUR_S })}.${signature}`, `${header}.${payload}.`, `${header}.${payload}`,
      `${header}.${payload}.${signature.slice(0, -4)}AAAA`, `${part({ alg: 'HS256', crit: ['x'], x: 1 })}.${payload}.${signature}`, 'abc', 'a.b.c', '..', await hs256({ sub: 'ann' }, OTHER),
    ];
    for (const token of forged) await expect(user(token), token).rejects.toThrow(refused('auth.invalid'));
  });

  it('S45 are of the one algorithm that the secret is for', async () => {
    const { user } = setup();
    const long = new Uint8Array(64).fill(7);
    const hs512 = await new SignJWT({ sub: 'ann', exp: NOW_S + HOUR_S }).setProtectedHeader({ alg: 'HS512' }).sign(long);
    await expect(setup({ secret: long }).user(hs512)).rejects.toThrow(refused('auth.invalid'));
    const { privateKey } = await generateKeyPair('RS256');
    const rs256 = await new SignJWT({ sub: 'ann', exp: NOW_S + HOUR_S }).setProtectedHeader({ alg: 'RS256' }).sign(privateKey);
    await expect(user(rs256)).rejects.toThrow(refused('auth.invalid'));
  });

  it('S45 end when they say, those that were accepted before too', async () => {
    const { user, clock } = setup();
    const token = await signToken(SECRET, 'ann', NOW_MS, 60_000);
    expect(await user(token)).toBe('ann');
    clock.pass(60_000 + 31_000);
    await expect(user(token)).rejects.toThrow(refused('auth.expired'));
    await expect(user(await hs256({ sub: 'ann', exp: NOW_S - HOUR_S }))).rejects.toThrow(refused('auth.expired'));
  });

  it('S45 that never end, are not yet valid or have odd times are refused', async () => {
    const { user } = setup();
    const endless = await new SignJWT({ sub: 'ann' }).setProtectedHeader({ alg: 'HS256' }).sign(SECRET);
    const early = await hs256({ sub: 'ann', nbf: NOW_S + HOUR_S });
    const odd = await hs256({ sub: 'ann', exp: 'tomorrow' });
    for (const token of [endless, early, odd]) await expect(user(token)).rejects.toThrow(refused('auth.invalid'));
  });

  it('S45 name the person in the claim that was chosen', async () => {
    const { user } = setup({ secret: SECRET, userClaim: 'uid' });
    expect(await user(await hs256({ sub: 'x', uid: 'ann' }))).toBe('ann');
    for (const uid of [undefined, '', 7, null, ['ann'], { id: 'ann' }]) await expect(user(await hs256({ sub: 'ann', uid }))).rejects.toThrow(refused('auth.invalid'));
  });

  it('S45 are of the issuer and for the audience that were chosen', async () => {
    const { user } = setup({ secret: SECRET, issuer: 'https://id.example', audience: 'sync' });
    const good = { sub: 'ann', iss: 'https://id.example', aud: ['other', 'sync'] };
    expect(await user(await hs256(good))).toBe('ann');
    for (const bad of [{ iss: 'https://evil.example' }, { iss: undefined }, { aud: 'other' }, { aud: undefined }]) {
      await expect(user(await hs256({ ...good, ...bad })), JSON.stringify(bad)).rejects.toThrow(refused('auth.invalid'));
    }
  });
});

describe('tokens of a key server', () => {
  it('S45 are checked with its public keys, which are fetched once', async () => {
    await withKeys(async (server, sign) => {
      const { user } = setup({ jwksUrl: server.url });
      for (const alg of ['RS256', 'ES256', 'EdDSA']) expect(await user(await sign({ sub: `ann ${alg}` }, alg))).toBe(`ann ${alg}`);
      expect(server.asked).toBe(1);
      await expect(user(await sign({ sub: 'ann', exp: NOW_S - HOUR_S }))).rejects.toThrow(refused('auth.expired'));
    });
  });

  it('S45 signed with a public key as if it were a secret, by nobody or by a stranger are refused', async () => {
    await withKeys(async (server, sign) => {
      const { user } = setup({ jwksUrl: server.url });
      const { keys } = JSON.parse(server.answer.body) as { keys: { n?: string }[] };
      const publicBytes = new TextEncoder().encode(keys[0]?.n ?? '');
      const confused = await new SignJWT({ sub: 'ann', exp: NOW_S + HOUR_S }).setProtectedHeader({ alg: 'HS256', kid: 'RS256' }).sign(publicBytes);
      const none = `${part({ alg: 'none', kid: 'RS256' })}.${part({ sub: 'ann', exp: NOW_S + HOUR_S })}.`;
      const { privateKey } = await generateKeyPair('RS256');
      const stranger = await new SignJWT({ sub: 'ann', exp: NOW_S + HOUR_S }).setProtectedHeader({ alg: 'RS256', kid: 'RS256' }).sign(privateKey);
      const unknown = await new SignJWT({ sub: 'ann', exp: NOW_S + HOUR_S }).setProtectedHeader({ alg: 'RS256', kid: 'unknown' }).sign(privateKey);
      for (const token of [confused, none, stranger, unknown, await hs256({ sub: 'ann' })]) await expect(user(token), token).rejects.toThrow(refused('auth.invalid'));
      expect(await user(await sign({ sub: 'ann' }))).toBe('ann');
    });
  });

  it('S45 cannot be judged while the key server fails: that is no fault of the token, and passes', async () => {
    await withKeys(async (server, sign) => {
      const { user } = setup({ jwksUrl: server.url });
      const { answer } = server;
      for (const bad of [{ status: 503, body: '' }, { status: 200, body: '<html>' }, { status: 200, body: '{"keys":1}' }]) {
        server.answer = bad;
        await expect(user(await sign({ sub: 'ann' })), JSON.stringify(bad)).rejects.toThrow(refused('server.unavailable'));
      }
      server.answer = answer;
      expect(await user(await sign({ sub: 'ann' }))).toBe('ann');
      await expect(setup({ jwksUrl: 'http://127.0.0.1:1/keys' }).user(await sign({ sub: 'ann' }))).rejects.toThrow(refused('server.unavailable'));
    });
  });
});

describe('the development key', () => {
  it('S45 signs tokens beside those of the secret or the key server, without issuer and claim', async () => {
    await withKeys(async (server, sign) => {
      const options = [{ jwksUrl: server.url, issuer: 'https://id.example', userClaim: 'uid' }, { secret: SECRET, audience: 'sync' }, {}];
      for (const one of options) {
        const { user } = setup(one, OTHER);
        expect(await user(await signToken(OTHER, 'dev', NOW_MS, 60_000))).toBe('dev');
        await expect(user(await signToken(OTHER, 'dev', NOW_MS - 3_600_000, 60_000))).rejects.toThrow(refused('auth.expired'));
        await expect(user(await hs256({ sub: 'ann' }, new Uint8Array(32)))).rejects.toThrow(refused('auth.invalid'));
      }
      expect(await setup(options[0], OTHER).user(await sign({ uid: 'ann', iss: 'https://id.example' }))).toBe('ann');
      await expect(setup(options[1]).user(await signToken(OTHER, 'dev', NOW_MS, 60_000))).rejects.toThrow(refused('auth.invalid'));
    });
  });

  it('S45 a server without any key is refused', () => {
    expect(() => setup({})).toThrow(refused('server.no-keys'));
  });
});
