// Runs the script of the page without a browser, in time that the test moves:
//   node page_dom.js SCRIPT LANGUAGE < steps, a JSON list of {ms, now, fails, hidden}
// Each step answers (or refuses) the requests of so many ms; after each a line tells all texts.
const fs = require('fs'), vm = require('vm')
class Element {
  constructor() { this.children = []; this.dataset = {}; this.text = ''; this.hidden = false; this.className = '' }
  set textContent(text) { this.text = String(text); this.children = [] }
  get textContent() { return this.text + this.children.map(c => c.textContent).join(' ') }
  append(child) { this.children.push(child) }
  replaceChildren() { this.children = [] }
}
const ids = {}, timers = []
let ms = 0, answer = null, asked = 0
const document = {
  hidden: false, body: new Element(), documentElement: {},
  getElementById: id => ids[id] ||= new Element(),
  createElement: () => new Element(),
  querySelectorAll: () => [],
  addEventListener: () => {},
}
const world = {
  document, navigator: { language: process.argv[3] }, performance: { now: () => ms }, AbortController,
  setInterval: (call, every) => timers.push({ call, every, next: ms + every }),
  setTimeout: () => 0, clearTimeout: () => 0,
  fetch: async path => {
    asked++
    if (path !== 'now.json' || answer === null) throw new Error('no answer')
    return { ok: true, json: async () => answer }
  },
}
const settle = async () => { for (let i = 0; i < 20; i++) await null }
;(async () => {
  const steps = JSON.parse(fs.readFileSync(0))
  answer = steps[0].now
  vm.runInNewContext(fs.readFileSync(process.argv[2], 'utf8'), world)
  for (const step of steps) {
    answer = step.now
    document.hidden = !!step.hidden
    for (const end = ms + step.ms; ms < end;) {
      ms += 100
      for (const timer of timers) if (timer.next <= ms) { timer.next += timer.every; timer.call() }
      await settle()
    }
    const texts = Object.fromEntries(Object.entries(ids).map(([id, e]) => [id, e.hidden ? null : e.textContent]))
    console.log(JSON.stringify({ texts, asked, old: document.body.className, lang: document.documentElement.lang }))
  }
})()
