// What the real y-prosemirror makes of documents, for the tests of exports and imports.
//   node prosemirror.mjs FOLDER updates SEED COUNT FILE   writes COUNT random documents, a line of hexadecimal each
//   node prosemirror.mjs FOLDER exports FILE              FILE: a line an update in hexadecimal, a tab, and our JSON of the
//                                                         root "doc": each must be what y-prosemirror gives
//   node prosemirror.mjs FOLDER json SEED COUNT FILE KIND writes COUNT random documents of Tiptap as JSON, a line each;
//                                                         KIND: mild leaves out what HTML has no form for, shallow
//                                                         nests two levels and not three, else wild
//   node prosemirror.mjs FOLDER imports FILE              FILE: a line a schema (tiptap, basic), an update, its root and,
//                                                         but for "-", the JSON that it was made from, with tabs between:
//                                                         an editor must take it as it is; with tiptap-opened it only
//                                                         has to find the same
// FOLDER: from where the packages are found. Prints what fails.
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { isDeepStrictEqual } from 'node:util'
import { join } from 'node:path'

const [folder, mode, ...rest] = process.argv.slice(2)
const require = createRequire(join(folder, 'any.mjs'))
const Y = require('yjs')
const yProsemirror = require('y-prosemirror')

// mulberry32: small, seeded, good enough to choose edits.
function generator (state) {
  return () => {
    state = (state + 0x6D2B79F5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

class Chooser {
  constructor (seed) { this.random = generator(seed) }
  int (n) { return Math.floor(this.random() * n) }
  pick (list) { return list[this.int(list.length)] }
  chance (p) { return this.random() < p }
  some (n, make) { return Array.from({ length: this.int(n + 1) }, () => make()) }
}

let failed = 0
function fail (what) {
  failed++
  if (failed <= 10) console.log(what)
}

// --- random documents, with all that y-prosemirror might find in one

const words = ['a', 'bc ', '😀', '日本', '<b>', '"', '\\', '\n', '\u0000', 'é', '&amp;', '*x*', '']
const names = ['paragraph', 'heading', 'bulletList', 'blockContainer', 'Ünknown', '']
const marks = ['bold', 'link', 'comment--AbCd+/12', 'comment--AbCd+/13', 'x--short', '__proto__', '2', '10', '01', 'a\nb--12345678', '--12345678']

function value (choose, depth = 0) {
  switch (choose.int(depth < 3 ? 10 : 7)) {
    case 0: return null
    case 1: return choose.chance(0.5)
    case 2: return choose.int(100) - 50
    case 3: return choose.pick([0.5, 1e21, 2 ** 31, -0.1])
    case 4: case 5: case 6: return choose.pick(words)
    case 7: return choose.some(3, () => value(choose, depth + 1))
    default: return Object.fromEntries(choose.some(3, () => [choose.pick(['b', 'a', '7', 'ключ']), value(choose, depth + 1)]))
  }
}

function mark (choose) {
  const of = value(choose)
  return choose.chance(0.3) ? {} : of
}

function editText (choose, text) {
  const at = choose.int(text.length + 1)
  const attributes = Object.fromEntries(choose.some(2, () => [choose.pick(marks), mark(choose)]))
  switch (choose.int(5)) {
    case 0: case 1: return text.insert(at, choose.pick(words), choose.chance(0.5) ? undefined : attributes)
    case 2: return text.insertEmbed(at, choose.chance(0.2) ? new Y.XmlElement('in') : { image: choose.pick(words) }, attributes)
    case 3: return text.format(Math.min(at, Math.max(0, text.length - 1)), choose.int(text.length - at + 1), attributes)
    default: if (text.length > at) text.delete(at, Math.min(text.length - at, 1 + choose.int(2)))
  }
}

function editFragment (choose, fragment) {
  const children = fragment.toArray()
  if (children.length > 0 && choose.chance(0.75)) {
    const child = choose.pick(children)
    if (child instanceof Y.XmlText) return editText(choose, child)
    if (choose.chance(0.25)) {
      const key = choose.pick(['level', 'id', '__proto__', 'ключ', 'x'])
      if (choose.chance(0.2)) return child.removeAttribute(key)
      return child.setAttribute(key, choose.chance(0.05) ? undefined : value(choose))
    }
    return editFragment(choose, child)
  }
  if (children.length > 0 && choose.chance(0.2)) return fragment.delete(choose.int(children.length), 1)
  const fresh = choose.chance(0.5) ? new Y.XmlText() : new Y.XmlElement(choose.pick(names))
  fragment.insert(choose.int(children.length + 1), [fresh])
}

function randomUpdate (choose) {
  const docs = [new Y.Doc(), new Y.Doc()]
  for (let i = 0, n = choose.int(80); i < n; ++i) {
    editFragment(choose, choose.pick(docs).getXmlFragment('doc'))
    if (choose.chance(0.1)) {
      Y.applyUpdate(docs[0], Y.encodeStateAsUpdate(docs[1]))
      Y.applyUpdate(docs[1], Y.encodeStateAsUpdate(docs[0]))
    }
  }
  Y.applyUpdate(docs[0], Y.encodeStateAsUpdate(docs[1]))
  return Buffer.from(Y.encodeStateAsUpdate(docs[0])).toString('hex')
}

function documentOf (hex) {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, new Uint8Array(Buffer.from(hex, 'hex')))
  return doc
}

function plain (of) { return JSON.parse(JSON.stringify(of)) }

// Where two values differ first.
function difference (left, right, path = '') {
  if (isDeepStrictEqual(left, right)) return ''
  const nested = of => typeof of === 'object' && of !== null
  if (nested(left) && nested(right) && Array.isArray(left) === Array.isArray(right)) {
    for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
      const found = difference(left[key], right[key], `${path}/${key}`)
      if (found !== '') return found
    }
  }
  return `${path}: ${JSON.stringify(left)} is not ${JSON.stringify(right)}`
}

function compare (what, left, right) {
  const found = difference(left, right)
  if (found !== '') fail(`${what} ${found}`)
}

function checkExports (file) {
  for (const line of lines(file)) {
    const [hex, json] = line.split('\t')
    const expected = plain(yProsemirror.yDocToProsemirrorJSON(documentOf(hex), 'doc'))
    compare('export:', JSON.parse(json), expected)
  }
}

// --- Tiptap's schema, with the nodes whose packages are not installed here, and prosemirror's basic one

function schemas () {
  const { getSchema } = require('@tiptap/core')
  const { StarterKit } = require('@tiptap/starter-kit')
  const { TaskList, TaskItem } = require('@tiptap/extension-list')
  const { Schema } = require('prosemirror-model')
  const starter = getSchema([StarterKit, TaskList, TaskItem.configure({ nested: true })])
  const cell = { content: 'block+', attrs: { colspan: { default: 1 }, rowspan: { default: 1 }, colwidth: { default: null } }, isolating: true }
  const optional = fields => Object.fromEntries(fields.map(name => [name, { default: null }]))
  const tiptap = new Schema({
    nodes: starter.spec.nodes.append({
      image: { group: 'block', attrs: optional(['src', 'alt', 'title', 'width', 'height']) },
      table: { content: 'tableRow+', group: 'block', isolating: true },
      tableRow: { content: '(tableCell | tableHeader)*' },
      tableCell: cell,
      tableHeader: cell,
      mention: { group: 'inline', inline: true, atom: true, attrs: { id: { default: null }, label: { default: null }, mentionSuggestionChar: { default: '@' } } }
    }),
    marks: starter.spec.marks.append({
      highlight: { attrs: optional(['color']) },
      subscript: {},
      superscript: {},
      textStyle: { attrs: optional(['color', 'backgroundColor', 'fontFamily', 'fontSize']) },
      comment: { attrs: optional(['id']), excludes: '' }
    })
  })
  const basic = require('prosemirror-schema-basic')
  const list = require('prosemirror-schema-list')
  const nodes = new Schema({ nodes: basic.schema.spec.nodes, marks: basic.schema.spec.marks }).spec.nodes
  return {
    tiptap,
    basic: new Schema({ nodes: list.addListNodes(nodes, 'paragraph block*', 'block'), marks: basic.schema.spec.marks })
  }
}

class DocumentMaker {
  constructor (choose, kind) {
    this.choose = choose
    const mild = this.mild = kind === 'mild'
    this.depth = kind === 'shallow' ? 2 : 3
    this.texts = ['x', 'two words', '*a*', '<b>', '# 1', '1. a', 'ü', '😀', '日本', '.', '`', '"q"', 'a_b', '~', '|', '\\', '&amp;', '- a', '![', '"']
    if (!mild) this.texts.push(' s', 't ', 'a\nb', '  ', '!')
  }

  text () {
    const choose = this.choose
    const marks = []
    // Tiptap's code excludes all other marks.
    if (choose.chance(0.1)) marks.push({ type: 'code' })
    else for (const [type, attrs] of [['bold'], ['italic'], ['strike'], ['underline'], ['subscript'],
      ['link', { href: choose.pick(['https://a.example/?q=1&r=(2)', 'mailto:a@b.example', '/x y']), target: '_blank', rel: 'noopener noreferrer nofollow', class: null, title: null }],
      ['highlight', { color: choose.pick([null, '#ff0000']) }],
      ['textStyle', { color: 'red', backgroundColor: null, fontFamily: null, fontSize: null }]]) {
      if (choose.chance(0.12)) marks.push(attrs ? { type, attrs } : { type })
    }
    if (!this.mild && marks[0]?.type !== 'code' && choose.chance(0.1)) marks.push({ type: 'comment', attrs: { id: choose.int(3) } }, { type: 'comment', attrs: { id: 5 + choose.int(3) } })
    const text = { type: 'text', text: choose.pick(this.texts) }
    return marks.length > 0 ? { ...text, marks } : text
  }

  inline () {
    const choose = this.choose
    const out = []
    for (let i = choose.int(5); i > 0; --i) {
      const n = choose.int(12)
      if (n === 0) out.push({ type: 'hardBreak' })
      else if (n === 1) out.push({ type: 'mention', attrs: { id: 'u1', label: 'Ann' } })
      else out.push(this.text())
    }
    return out
  }

  paragraph () { return { type: 'paragraph', content: this.inline() } }

  block (depth) {
    const choose = this.choose
    const blocks = () => [this.block(depth + 1), ...choose.some(2, () => this.block(depth + 1))]
    const item = (type, attrs) => ({ type, attrs, content: [this.paragraph(), ...choose.some(1, () => this.block(depth + 1))] })
    switch (choose.int(depth < this.depth ? 13 : 6)) {
      case 0: return { type: 'heading', attrs: { level: 1 + choose.int(6) }, content: this.inline() }
      case 1: return { type: 'codeBlock', attrs: { language: choose.pick([null, 'js']) }, content: [{ type: 'text', text: choose.pick(['a', 'a\n\nb', '```', '\n', ' x ', '</pre>', 'end\n']) }] }
      case 2: return { type: 'horizontalRule' }
      case 3: return { type: 'image', attrs: { src: 'https://a.example/b.png', alt: choose.pick([null, 'alt "x"']), title: choose.pick([null, 't[1]']) } }
      case 4: case 5: return this.paragraph()
      case 6: return { type: 'blockquote', content: blocks() }
      case 7: case 8: return { type: 'bulletList', content: [item('listItem'), ...choose.some(2, () => item('listItem'))] }
      case 9: return { type: 'orderedList', attrs: { start: choose.pick([1, 1, 0, 7]), type: null }, content: [item('listItem'), ...choose.some(2, () => item('listItem'))] }
      case 10: case 11: return { type: 'taskList', content: [item('taskItem', { checked: true }), ...choose.some(2, () => item('taskItem', { checked: choose.chance(0.5) }))] }
      default: {
        const row = (n, type) => ({ type: 'tableRow', content: Array.from({ length: n }, () => ({ type, attrs: { colspan: 1, rowspan: 1, colwidth: choose.pick([null, [100]]) }, content: [this.paragraph()] })) })
        const width = 1 + choose.int(3)
        return { type: 'table', content: [row(width, 'tableHeader'), ...choose.some(2, () => row(width, 'tableCell'))] }
      }
    }
  }

  document () {
    return { type: 'doc', content: [this.block(0), ...this.choose.some(5, () => this.block(0))] }
  }
}

function randomJson (choose, schema, kind) {
  const { Node } = require('prosemirror-model')
  const node = Node.fromJSON(schema, new DocumentMaker(choose, kind).document())
  node.check()
  return JSON.stringify(node.toJSON())
}

// Attributes that are null are not stored, y-prosemirror's plain JSON knows no defaults: only the schema makes two
// documents comparable.
function checkImports (file) {
  const known = schemas()
  for (const line of lines(file)) {
    const [name, hex, root, json] = line.split('\t')
    const schema = known[name.split('-')[0]]
    const doc = documentOf(hex)
    const fragment = doc.getXmlFragment(root)
    const before = JSON.stringify(fragment.toJSON())
    try {
      const node = yProsemirror.yXmlFragmentToProseMirrorRootNode(fragment, schema)
      node.check()
      if (JSON.stringify(fragment.toJSON()) !== before) {
        fail(`an editor would take something out of ${before}, and leave ${JSON.stringify(fragment.toJSON())}`)
        continue
      }
      if (json === '-') continue
      const given = JSON.parse(json)
      const original = require('prosemirror-model').Node.fromJSON(schema, given)
      compare('opened:', sorted(plain(node)), sorted(plain(original)))
      if (name.endsWith('-opened')) continue
      const theirs = yProsemirror.prosemirrorJSONToYDoc(schema, given, root)
      const content = of => sorted(plain(yProsemirror.yDocToProsemirrorJSON(of, root)))
      compare('content:', content(doc), content(theirs))
      const keys = of => formatsOf(of.getXmlFragment(root))
      compare('formats:', keys(doc), keys(theirs))
    } catch (error) {
      fail(`${error.message}: ${before}`)
    }
  }
}

// The order of a text's formats is that of their first use: it says nothing.
function sorted (json) {
  if (Array.isArray(json)) return json.map(sorted)
  if (json === null || typeof json !== 'object') return json
  const out = Object.fromEntries(Object.entries(json).map(([key, each]) => [key, sorted(each)]))
  if (out.marks) out.marks.sort((a, b) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)
  return out
}

// The names of formats, hashes included.
function formatsOf (fragment) {
  const found = new Set()
  const visit = type => {
    if (type instanceof Y.XmlText) {
      for (const each of type.toDelta()) for (const key of Object.keys(each.attributes ?? {})) found.add(key)
    } else type.toArray().forEach(visit)
  }
  visit(fragment)
  return [...found].sort()
}

function lines (file) {
  return readFileSync(file, 'utf8').split('\n').filter(line => line !== '')
}

if (mode === 'updates' || mode === 'json') {
  const [seed, count, file, kind] = rest
  const choose = new Chooser(Number(seed))
  const schema = mode === 'json' ? schemas().tiptap : null
  const make = mode === 'json' ? () => randomJson(choose, schema, kind) : () => randomUpdate(choose)
  writeFileSync(file, Array.from({ length: Number(count) }, make).join('\n') + '\n')
} else if (mode === 'exports') {
  checkExports(rest[0])
} else {
  checkImports(rest[0])
}
if (failed !== 0) console.log(`${failed} documents are not as they should be`)
process.exit(failed === 0 ? 0 : 1)
