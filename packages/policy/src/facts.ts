import type { AppState, Mode, Network, Permission, Platform, Power, Screen, Situation, Sync, SyncKind, WindowKind } from './situation.ts';

/** Where the app is, in one word. `visible`: in front, and the screen is unlocked. `away`: alive, but not visible. */
export type Place = 'visible' | 'away' | 'frozen' | 'closed';

/** What conditions of rules are about: the situation and the sync, flat, with a few words made from them. */
export interface Facts {
  readonly platform: Platform;
  readonly app: AppState;
  readonly screen: Screen;
  readonly place: Place;
  readonly inUse: boolean;
  readonly power: Power;
  readonly saver: boolean;
  readonly permission: Permission;
  /** Windows counts the minutes: on battery, power saving on, and the setting at *Power optimized*. */
  readonly thrift: boolean;
  readonly network: Network;
  readonly wifiOnly: boolean;
  readonly mode: Mode;
  readonly window: WindowKind | 'none' | 'ended';
  readonly quitByPerson: boolean;
  readonly kind: SyncKind;
  readonly byPerson: boolean;
}

/** For each fact named, the values that it may have. */
export type Condition = { readonly [K in keyof Facts]?: readonly Facts[K][] };

export function factsOf(situation: Situation, sync: Sync): Facts {
  const { platform, app, screen, inUse, power, saver, permission, network, settings } = situation;
  return {
    platform, app, screen, inUse, power, saver, permission, network,
    place: placeOf(situation),
    thrift: power === 'battery' && saver && permission === 'power-optimized',
    wifiOnly: settings.wifiOnly,
    mode: settings.mode,
    window: windowOf(situation),
    quitByPerson: situation.quitByPerson === true,
    kind: sync.kind,
    byPerson: sync.byPerson === true,
  };
}

export function matches(when: Condition, facts: Partial<Facts>): boolean {
  return (Object.keys(when) as (keyof Facts)[]).every((name) => {
    const values: readonly unknown[] = when[name] ?? [];
    return values.includes(facts[name]);
  });
}

function placeOf({ app, screen }: Situation): Place {
  if (app === 'closed' || app === 'frozen') return app;
  return app === 'foreground' && screen === 'unlocked' ? 'visible' : 'away';
}

function windowOf({ window, nowMs }: Situation): Facts['window'] {
  if (window === undefined) return 'none';
  return window.endsMs !== undefined && nowMs >= window.endsMs ? 'ended' : window.kind;
}
