import { readFileSync } from 'node:fs';
import { ERRORS } from '@carryon/protocol';
import { describe, expect, it } from 'vitest';
import { renderErrors, renderSchema } from './docs.ts';

describe('docs', () => {
  it('DOCS-1 docs/errors.md is what the generator makes (else: npm run docs)', () => {
    expect(readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8')).toBe(renderErrors(ERRORS));
  });

  it('DOCS-2 a code stands under its first word, and a bar or line break does not break the table', () => {
    const text = { who: 'admin', retry: 'no', means: 'a|b', action: 'c\nd' };
    const page = renderErrors({ 'pack.gone': text, internal: text });
    expect(page).toContain('## pack\n\n| Code |');
    expect(page).toContain('| `pack.gone` | a\\|b | admin | no | c d |');
    expect(page).toContain('## internal\n');
  });

  it('DOCS-3 packages/server/profile.schema.json is what the generator makes (else: npm run docs)', () => {
    expect(readFileSync(new URL('../packages/server/profile.schema.json', import.meta.url), 'utf8')).toBe(renderSchema());
  });
});
