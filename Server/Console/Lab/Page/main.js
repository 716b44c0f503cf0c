// The page: its views, the language, and the address, which remembers a place: #view; #builder;RULE, #exercises;NAME or #own;PART, which a
// view reads itself; or #VIEW;bytes;sender;field;deflate;before. Of these the last two are there if they say something: how messages are
// compressed, and bytes that came before. Bytes that a view does not have (any more) are looked at in #step. Back leads to the place
// before.

import { el, show } from '/lab/dom.js';
import { readHex } from '/lab/bytes.js';
import { contextOf } from '/lab/context.js';
import { Feed } from '/lab/feed.js';
import { Watched } from '/lab/watched.js';
import { Own } from '/lab/own.js';
import { Step } from '/lab/step.js';
import { Builder } from '/lab/builder.js';
import { Timeline } from '/lab/timeline.js';
import { Room } from '/lab/room.js';
import { Exercises } from '/lab/exercises.js';
import { t, language, switchLanguage, waysThrough } from '/lab/words.js';

const place = id => document.getElementById(id);
const hashBytesMax = 1024, narrow = 600;

const lab = {
  feed: new Feed(),
  watched: new Watched(),
  say: text => { place('state').textContent = text; },
  // The place is put into the address, so that it can be sent to somebody.
  remember({ bytes, from, note, context: { before, deflate } }) {
    const fits = before !== null && (bytes.length + before.length) / 2 <= hashBytesMax;
    const more = before || deflate ? `;${deflate};${before}` : '';
    setAddress(fits ? [current, `${bytes};${from};${note}${more}`] : [current]);
  },
  // The reader has gone to another place in a view, if that is still the one that is shown.
  place: (view, ...places) => { if (view === current) setAddress([view, ...places], 'pushState'); },
  // The place that he is at has another address.
  settle: (view, ...places) => { if (view === current) setAddress([view, ...places]); },
};
// A unit from elsewhere is looked at in the second view.
lab.openUnit = (unit, conversation) => {
  const context = contextOf(conversation, unit);
  if (context.before === null) return lab.say(t('notKept'));
  views.step.take({ bytes: unit.bytes, from: unit.from, note: Math.max(0, unit.annotations.findIndex(note => note.rule)), context });
  open('step');
};
const views = { own: new Own(lab), step: new Step(lab), builder: new Builder(lab), timeline: new Timeline(lab), room: new Room(lab) };
views.exercises = new Exercises(lab, views.own, views.builder);
let current = 'own';
let missing = ''; // an address at which there is nothing

function showAll() {
  document.documentElement.lang = language() === 'zh' ? 'zh-Hans' : 'en';
  place('lead').textContent = t('lead');
  place('language').textContent = t('language');
  show(place('views'), Object.keys(views).map(name => el('button', {
    type: 'button', role: 'tab', id: `tab-${name}`, 'aria-selected': String(name === current), 'aria-controls': 'main',
    tabindex: name === current ? 0 : -1, onclick: () => open(name),
  }, t(name))));
  const main = place('main');
  main.setAttribute('aria-labelledby', `tab-${current}`);
  showMissing();
  show(main, views[current].element());
  if (lab.feed.hello) Promise.resolve(views[current].shown()).catch(error => lab.say(error.message));
}

// The way through the page for whoever is new here, until he folds it.
function showBegin() {
  const list = waysThrough().map(line => el('li', {},
    line.map(part => typeof part === 'string' ? part : el('a', { href: `#${part[0]}` }, part[1]))));
  // The click comes before it is done. Where there is little room it is folded at first.
  const summary = el('summary', { onclick: () => localStorage.setItem('lab.begin', fold.open ? 'folded' : 'open') }, t('begin'));
  const state = localStorage.getItem('lab.begin') ?? (innerWidth < narrow ? 'folded' : 'open');
  const fold = el('details', { open: state === 'open' }, summary, el('ol', {}, list));
  place('begin').setAttribute('aria-label', t('begin'));
  show(place('begin'), fold);
}

function showMissing() {
  place('missing').textContent = missing && t('noPlace', missing.length > 40 ? `${missing.slice(0, 40)}…` : missing, t(current));
}

function setAddress(places, how = 'replaceState') {
  const address = `#${places.join(';')}`;
  if (address !== location.hash) history[how](null, '', address);
  missing = '';
  showMissing();
}

function open(name) {
  views[current].hidden?.();
  current = name;
  lab.place(name, ...views[name].places?.() ?? []);
  showAll();
  place(`tab-${name}`).focus();
}

// What the address says: a view, with a place in it, or bytes with a place in them.
function readAddress() {
  const [view, ...places] = (location.hash.slice(1) || 'own').split(';');
  const unit = view === 'step' || places.length > 2 ? readUnit(places) : null;
  const isHere = Object.hasOwn(views, view), isElsewhere = isHere && unit && view !== 'step' && !views[view].reach?.(unit);
  const shown = isElsewhere ? 'step' : isHere ? view : current;
  if (shown !== current) views[current].hidden?.();
  current = shown;
  if (unit && shown === 'step') views.step.take(unit);
  if (isElsewhere) setAddress(['step', ...places]);
  const isFound = isHere && (unit || (views[view].visit ? views[view].visit(...places) : !places.some(Boolean)));
  missing = isFound ? '' : location.hash;
}

// Bytes with a place in them; null if these are none.
function readUnit([bytes, from, note, deflate, before]) {
  const hex = readHex(bytes ?? '');
  return hex && { bytes: hex, from: ['client', 'server'].includes(from) ? from : '', note: Number(note) || 0,
    context: { before: readHex(before ?? '') ?? '', deflate: ['alone', 'takeover'].includes(deflate) ? deflate : '' } };
}

function visit() {
  readAddress();
  showAll();
}

place('views').addEventListener('keydown', event => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step) return;
  const names = Object.keys(views);
  open(names[(names.indexOf(current) + step + names.length) % names.length]);
});
place('begin').addEventListener('click', ({ target }) => {
  if (target.hash && target.hash === location.hash) visit(); // the browser does nothing then
});
place('language').addEventListener('click', () => {
  switchLanguage();
  showBegin();
  showAll();
  lab.say(lab.feed.hello ? views.own.state() : lost ? sayLost(lost) : t('connecting'));
});
addEventListener('hashchange', visit);

let lost = null;
const sayLost = ({ code, reason, pause }) => t('lineLost', `${code} ${reason}`.trim(), pause / 1000);

lab.feed.onhello = () => {
  lost = null;
  lab.say(t('running'));
  lab.watched.reset();
  views.own.start();
  showAll();
};
lab.feed.onevents = events => lab.watched.add(events);
lab.feed.onlost = why => {
  lost = why;
  lab.say(sayLost(why));
  views.room.reset();
  views.own.lose();
};
readAddress();
lab.say(t('connecting'));
showBegin();
showAll();
lab.feed.open();
