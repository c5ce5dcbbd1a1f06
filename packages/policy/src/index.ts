export { decide } from './decide.ts';
export { explain, type Explanation } from './explain.ts';
export { type Episode, type History, observe } from './history.ts';
export { RULE_IDS, type RuleId } from './rule-id.ts';
export { type Citation, type Row, RULE_SET_NAMES, type RuleSet, type RuleSetName, type WakeUp } from './rule-set.ts';
export { DEFAULT_RULE_SET, mayUseOffline, type OnDevice, rowOf, RULE_SETS, wakeUps } from './rule-sets.ts';
export {
  APP_STATES, type AppState, type Mode, MODES, type Network, NETWORKS, type Permission, PERMISSIONS, type Platform, PLATFORMS, type Power, POWERS,
  type Screen, SCREENS, type Settings, type Situation, type Sync, SYNC_KINDS, SYNC_STATES, type SyncKind, type SyncState, type Window, WINDOW_KINDS, type WindowKind,
} from './situation.ts';
export { type Language, LANGUAGES } from './texts.ts';
export { END_EVENTS, type EndEvent, type Verdict } from './verdict.ts';
