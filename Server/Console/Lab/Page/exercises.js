// The fifth view: exercises. What is sent is the pieces of the builder; the server judges them.

import { el, show, field, choice } from '/lab/dom.js';
import { readPieces } from '/lab/frame.js';
import { UnitList } from '/lab/units.js';
import { task, hint, isTask } from '/lab/tasks.js';
import { reason } from '/lab/answers.js';
import { t, language } from '/lab/words.js';

export class Exercises {
  constructor(lab, own, builder) {
    Object.assign(this, { lab, own, builder, solved: new Set(), list: el('div', {}), all: [] });
  }

  element() {
    return el('div', { class: 'exercises' }, el('p', { class: 'help' }, t('exercisesHelp')), this.list);
  }

  async shown() {
    ({ exercises: this.all, key: this.key } = await this.lab.feed.ask({ do: 'exercises' }));
    if (!this.all.some(one => one.name === this.chosen)) this.chosen = this.all[0].name;
    this.#show();
  }

  // A place in this view: an exercise.
  visit(name) {
    if (isTask(name)) this.chosen = name;
    return !name || isTask(name);
  }

  places() {
    return this.chosen ? [this.chosen] : [];
  }

  #show() {
    this.result = el('div', { id: 'verdict', 'aria-live': 'polite' }, this.solved.has(this.chosen) && this.#reason(this.chosen));
    show(this.list, this.all.map(one => el('section', { class: this.solved.has(one.name) ? 'task solved' : 'task' },
      el('button', { type: 'button', 'data-task': one.name, 'aria-expanded': String(one.name === this.chosen),
        class: one.name === this.chosen ? 'chosen' : '', onclick: () => this.#choose(one.name) },
      `${this.solved.has(one.name) ? '✓ ' : ''}${task(one.name, language(), this.key)}`),
      ' ', el('small', {}, one.section), one.name === this.chosen && this.#form(one.name))));
  }

  #choose(name) {
    this.chosen = name;
    this.lab.place('exercises', name);
    this.#show();
  }

  #mark(name) {
    if (this.solved.has(name)) return;
    this.solved.add(name);
    const button = this.list.querySelector(`[data-task="${name}"]`);
    button.prepend('✓ ');
    button.parentElement.classList.add('solved');
  }

  // Whoever has solved it is told what is behind it.
  #reason(name) {
    const { section } = this.all.find(one => one.name === name);
    return [el('p', {}, el('b', {}, t('whySolved', section))), el('p', { class: 'reason' }, reason(name, language()))];
  }

  // What an answer is made of: pieces to be sent, a word, or the own connection.
  #form(name) {
    const judge = request => el('button',
      { type: 'button', id: 'judge', class: 'main', onclick: () => this.#judge(name, request) }, t('judge'));
    if (name === 'accept') {
      const answer = el('input', { id: 'answer', size: 30, autocomplete: 'off', spellcheck: 'false' });
      return el('div', {},
        el('div', { class: 'buttons' }, field(t('answer'), answer), judge(() => ({ answer: answer.value }))), this.result);
    }
    if (name === 'survive') return el('div', {}, judge(() => ({ connection: this.own.connection ?? 0 })), this.result);
    const pieces = el('textarea', { id: 'answer', rows: 4, spellcheck: 'false', value: this.builder.pieces,
      oninput: () => this.builder.take(pieces.value) });
    let end = 'fin';
    return el('div', {}, field(t('toSend'), pieces), el('div', { class: 'buttons' },
      field(t('ending'), choice([['fin', t('endFin')], ['stay', t('endStay')], ['rst', t('endRst')]], end, value => { end = value; })),
      judge(() => ({ chunks: readPieces(pieces.value), handshake: true, end, deflate: name === 'inflateHello' })),
      el('a', { href: '#builder' }, t('build'))), this.result);
  }

  async #judge(name, request) {
    try {
      const verdict = await this.lab.feed.ask({ do: 'exercise', name, lang: language(), ...request() });
      if (verdict.solved) this.#mark(name);
      const { conversation } = verdict.trace;
      const list = new UnitList({ choose: index => this.lab.openUnit(conversation.units[index], conversation) });
      list.show(conversation.units, conversation.unitsLeftOut);
      show(this.result, el('p', { class: verdict.solved ? 'fine' : 'rule', 'data-hint': verdict.hint ?? 'solved' },
        verdict.solved ? t('solved') : hint(verdict.hint, language())), verdict.solved && this.#reason(name),
      list.element);
    } catch (error) {
      show(this.result, el('p', { class: 'rule' }, error.message));
    }
  }
}
