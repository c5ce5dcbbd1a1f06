// Puts the measured table and the picture into the documentation.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const PAGE = fileURLToPath(new URL('../docs/background.md', import.meta.url));
const PICTURE = fileURLToPath(new URL('../docs/background.svg', import.meta.url));
const MEASURED = /(<!-- Measured by `npm run bench:lab -- --write`\. -->\n)[\s\S]*?(\n<!-- End of what was measured\. -->)/;

/** Replaces what stands between the page's two marks. */
export function writePage(text: string, picture: string): void {
  const page = readFileSync(PAGE, 'utf8');
  if (!MEASURED.test(page)) throw new Error('docs/background.md has lost the marks around what is measured');
  writeFileSync(PAGE, page.replace(MEASURED, (_, before: string, after: string) => `${before}\n${text}\n${after}`));
  writeFileSync(PICTURE, picture);
}
