import { describe, expect, it } from 'vitest';
import { durationWords } from './duration.ts';
import { explain } from './explain.ts';
import { RULE_IDS } from './rule-id.ts';
import { LANGUAGES, textsOf } from './texts.ts';
import { ACTIVE, after, FIRST, MINUTE, NEW } from './testing/situations.ts';
import { END_EVENTS } from './verdict.ts';

const locked = { screen: 'locked', inUse: false } as const;

describe('explain', () => {
  it('says what happens now, why, and what the person can do', () => {
    expect(explain(after('2022-11', 0, FIRST, locked), 'en')).toEqual({
      now: 'The sync is suspended; it goes on in 15 minutes.',
      why: 'iOS suspends the sync while the screen is locked and lets it go on every 15 minutes. (A7)',
      youCan: ['Unlock the screen.', 'Or wait: it goes on by itself.'],
    });
    expect(explain(after('2022-11', 0, FIRST, locked), 'de')).toEqual({
      now: 'Die Synchronisierung ruht; sie geht in 15 Minuten weiter.',
      why: 'iOS hält die Synchronisierung bei gesperrtem Bildschirm an und lässt sie alle 15 Minuten weiterlaufen. (A7)',
      youCan: ['Entsperren Sie den Bildschirm.', 'Oder warten Sie: Sie geht von selbst weiter.'],
    });
  });

  it('names the time that is left', () => {
    expect(explain(after('2022-11', 17 * MINUTE, FIRST, locked), 'en').now).toBe('The sync goes on, for 3 minutes at most.');
    expect(explain(after('carry-on', 4_500, FIRST, { app: 'background' }), 'de').now).toBe('Die Synchronisierung läuft weiter, höchstens noch 26 Sekunden.');
  });

  it('promises no time when something else denies too', () => {
    const { now, why, youCan } = explain(after('2022-11', 0, FIRST, { ...locked, network: 'none' }), 'en');
    expect(now).toBe('The sync is suspended, for another 15 minutes at least; nothing is lost.');
    expect(why).toContain('There is no network. (N1)');
    expect(youCan).toEqual(['Unlock the screen.', 'Connect to a network.']);
  });

  it('tells of the transfers that go on meanwhile, or are on hold', () => {
    expect(explain(after('carry-on', MINUTE, FIRST, { app: 'background' }), 'en').now).toBe('The sync is suspended; nothing is lost. Downloads that the operating system has taken over go on meanwhile.');
    expect(explain(after('carry-on', 0, FIRST, { network: 'none' }), 'en').now).toBe('The sync puts in place what is already on the device; nothing is downloaded or sent. Downloads are on hold.');
  });

  it('is silent about advice when nothing denies', () => {
    expect(explain(after('carry-on', 0, ACTIVE, {}), 'en')).toMatchObject({ now: 'The sync goes on.', youCan: [] });
    expect(explain(after('carry-on', 0, NEW, {}), 'en').now).toBe('A new sync may start.');
  });

  it('has a text for every row and event in every language, each its own', () => {
    const [en, de] = [textsOf('en'), textsOf('de')];
    expect(LANGUAGES).toEqual(['en', 'de']);
    for (const id of RULE_IDS) expect(de.why[id]).not.toBe(en.why[id]);
    for (const event of END_EVENTS) expect(de.youCan[event]).not.toBe(en.youCan[event]);
    for (const [key, text] of Object.entries(en.now)) expect(de.now[key as keyof typeof de.now].includes('{time}')).toBe(text.includes('{time}'));
  });

  it('rounds times up and never says zero minutes', () => {
    const { units } = textsOf('en');
    expect([1, 1_000, 59_000, 59_001, 60_001, 15 * MINUTE, 119 * MINUTE, 120 * MINUTE, 121 * MINUTE].map((ms) => durationWords(ms, units)))
      .toEqual(['1 second', '1 second', '59 seconds', '1 minute', '2 minutes', '15 minutes', '119 minutes', '2 hours', '3 hours']);
  });
});
