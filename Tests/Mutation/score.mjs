// Reads Stryker's reports and tells three kinds of changes apart: those that a test has noticed, those that no test can notice
// (equivalent.tsv, each with its reason), and those that are left.
//   node score.mjs REPORT.json ...
// Prints each file's figures, each change that is left, and each row of equivalent.tsv that fits nothing any more. Exits with 1 if fewer
// than 95 of 100 changes that could be noticed were.

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

const plain = text => text.replace(/\s+/g, ' ').trim();
const rows = readFileSync(new URL('equivalent.tsv', import.meta.url), 'utf8').split('\n')
  .filter(line => line !== '' && !line.startsWith('#'))
  .map(line => line.split('\t'))
  .map(([file, from, to, reason]) => ({ file, from, to, reason, found: 0 }));
if (rows.some(row => !row.reason)) throw new Error('equivalent.tsv: each row has a file, two texts and a reason');

// A text of the list that ends in … is the beginning of what it means.
const fits = (listed, text) => listed.endsWith('…') ? text.startsWith(listed.slice(0, -1)) : text === listed;

function original(source, { start, end }) {
  const lines = source.split(/\r?\n/).slice(start.line - 1, end.line);
  lines[lines.length - 1] = lines.at(-1).slice(0, end.column - 1);
  lines[0] = lines[0].slice(start.column - 1);
  return plain(lines.join('\n'));
}

const noticed = status => status === 'Killed' || status === 'Timeout';
const missed = status => status === 'Survived' || status === 'NoCoverage';
const sum = { changes: 0, noticed: 0, same: 0, left: 0 };
const seen = new Set();
console.log('| file | changes | noticed | no test can | left |\n| --- | ---: | ---: | ---: | ---: |');
const left = [];
for (const path of process.argv.slice(2)) {
  const { files } = JSON.parse(readFileSync(path, 'utf8'));
  for (const [name, { source, mutants }] of Object.entries(files).sort()) {
    const file = basename(name), count = { changes: 0, noticed: 0, same: 0, left: 0 };
    for (const { status, location, replacement } of mutants) {
      if (!noticed(status) && !missed(status)) continue; // it does not compile, or is not tried
      seen.add(file);
      count.changes++;
      if (noticed(status)) {
        count.noticed++;
        continue;
      }

      const from = original(source, location), to = plain(replacement);
      const row = rows.find(one => one.file === file && fits(one.from, from) && fits(one.to, to));
      if (row) {
        row.found++;
        count.same++;
      } else {
        count.left++;
        left.push(`${file}:${location.start.line}: ${from} -> ${to}`);
      }
    }

    if (count.changes === 0) continue;
    for (const key of Object.keys(sum)) sum[key] += count[key];
    console.log(`| ${file} | ${count.changes} | ${count.noticed} | ${count.same || ''} | ${count.left || ''} |`);
  }
}

const percent = (part, whole) => (100 * part / whole).toFixed(1);
console.log(`| all | ${sum.changes} | ${sum.noticed} | ${sum.same} | ${sum.left} |\n`);
console.log(`${percent(sum.noticed, sum.changes)} of 100 changes were noticed; of those that a test can notice, ${percent(sum.noticed, sum.changes - sum.same)}.`);
for (const line of left) console.log(`left: ${line}`);
for (const row of rows)
  if (row.found === 0 && seen.has(row.file)) console.log(`equivalent.tsv, no such change: ${row.file}: ${row.from} -> ${row.to}`);
process.exit(sum.noticed < 0.95 * (sum.changes - sum.same) ? 1 : 0);
