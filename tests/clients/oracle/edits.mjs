// Writes what yjs sends and shows when a client makes random edits, for the test of crdt/'s own editing.
//   node edits.mjs SEED COUNT FILE
// The same seed and count give the same file. tests/crdt/support/edit_script.hpp reads it; the two must change together.
import { writeFileSync } from 'node:fs'
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import { delta, json } from './cases.mjs'

const [seed, count, file] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]]
const e = encoding.createEncoder()

// mulberry32
function generator (state) {
  return () => {
    state = (state + 0x6D2B79F5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const roots = { text: 'text', rich: 'text', array: 'array', map: 'map', xml: 'xml' }
const words = ['a', 'bc', 'hello ', '😀', '日本', 'ß\n', '\u0000', 'x'.repeat(40), '𐍈𐍈', '"\\']
const keys = ['one', 'two', 'ключ', '😀', '', '\uffff', '10', '9']
const kinds = { array: 0, map: 1, text: 2, element: 3, hook: 5, xmlText: 6 }

const get = (doc, name) => {
  switch (roots[name]) {
    case 'text': return doc.getText(name)
    case 'array': return doc.getArray(name)
    case 'map': return doc.getMap(name)
    default: return doc.getXmlFragment(name)
  }
}
const isText = type => type instanceof Y.Text
const isList = type => type instanceof Y.Array || (type instanceof Y.XmlFragment)
const hasKeys = type => type instanceof Y.Map || type instanceof Y.Text || type instanceof Y.XmlElement

class Session {
  constructor (random, { gc, exact }) {
    this.random = random
    this.exact = exact
    this.doc = new Y.Doc({ gc })
    this.doc.clientID = this.chance(0.3) ? Number.MAX_SAFE_INTEGER - this.int(9) : 1 + this.int(4294967295)
    this.other = new Y.Doc({ gc })
    this.other.clientID = this.chance(0.5) ? 0 : Number.MAX_SAFE_INTEGER - 100 - this.int(9)
    for (const name of Object.keys(roots)) {
      get(this.doc, name)
      get(this.other, name)
    }
    this.places = []
    this.sent = null
    this.doc.on('update', (update, _origin, _doc, transaction) => { if (transaction.local) this.sent = update })
  }

  int (n) { return Math.floor(this.random() * n) }
  pick (list) { return list[this.int(list.length)] }
  chance (p) { return this.random() < p }

  value (depth = 0) {
    switch (this.int(depth < 3 ? 11 : 8)) {
      case 0: return this.int(100) - 50
      case 1: return this.random() * 1e9
      case 2: return this.pick(words)
      case 3: return this.chance(0.5)
      case 4: return null
      case 5: return -0
      case 6: return this.pick([2 ** 31, -(2 ** 40), 1e300, 5e-324, Number.MAX_SAFE_INTEGER, NaN, -Infinity])
      case 7: return this.pick(words)
      case 8: return Array.from({ length: this.int(4) }, () => this.value(depth + 1))
      default: {
        const object = {}
        for (let i = 0, n = this.int(4); i < n; ++i) object[this.pick(keys)] = this.value(depth + 1)
        return object
      }
    }
  }

  attributes () {
    if (this.exact) return { bold: this.pick([true, null, 3, 'x']) }
    const out = {}
    for (let i = 0, n = this.int(3); i < n; ++i) {
      out[this.pick(['bold', 'em', 'link', '字'])] = this.pick([true, null, null, { href: 'x', n: 1 }, 'blue', [1]])
    }
    return out
  }

  // A position in a text that is not inside of a surrogate pair.
  position (type, from = 0) {
    const at = from + this.int(type.length - from + 1)
    if (!isText(type)) return at
    const units = []
    for (const op of type.toDelta()) {
      if (typeof op.insert === 'string') units.push(...op.insert.split(''))
      else units.push(' ')
    }
    const low = units[at]?.charCodeAt(0)
    return at > from && low >= 0xdc00 && low < 0xe000 && units[at - 1].charCodeAt(0) >= 0xd800 && units[at - 1].charCodeAt(0) < 0xdc00 ? at - 1 : at
  }

  // A type somewhere in the document, and the way to it.
  find () {
    const name = this.pick(Object.keys(roots))
    let type = get(this.doc, name)
    const path = []
    for (let depth = 0; depth < 3 && this.chance(0.6); ++depth) {
      const children = []
      if (type instanceof Y.Array || type instanceof Y.XmlFragment) {
        type.toArray().forEach((child, i) => { if (child instanceof Y.AbstractType) children.push([i, child]) })
      }
      if (type instanceof Y.Map) {
        for (const [key, child] of type.entries()) if (child instanceof Y.AbstractType) children.push([key, child])
      }
      if (children.length === 0) break
      const [step, child] = this.pick(children)
      path.push(step)
      type = child
    }
    return { name, path, type }
  }

  newType (xml) {
    const name = this.pick(['p', 'Div', 'heading', ''])
    const kind = xml ? this.pick(['element', 'element', 'xmlText']) : this.pick(Object.keys(kinds))
    const type = kind === 'array' ? new Y.Array()
      : kind === 'map' ? new Y.Map()
        : kind === 'text' ? new Y.Text()
          : kind === 'element' ? new Y.XmlElement(name)
            : kind === 'hook' ? new Y.XmlHook(name) : new Y.XmlText()
    return { type, kind: kinds[kind], name }
  }

  writeTarget (op, { name, path }) {
    encoding.writeVarUint(e, op)
    encoding.writeVarString(e, name)
    encoding.writeVarUint(e, path.length)
    for (const step of path) encoding.writeAny(e, step)
  }

  // Makes one random edit, and writes it down. The numbers are those of edit_script.hpp.
  operation () {
    const target = this.find()
    const { type } = target
    const write = (op, ...args) => {
      this.writeTarget(op, target)
      encoding.writeVarUint(e, args.length)
      for (const each of args) encoding.writeAny(e, each)
    }
    const keyed = hasKeys(type) && this.chance(isText(type) ? 0.1 : type instanceof Y.Map ? 1 : 0.5)
    if (keyed) return this.keyOperation(type, write)
    if (type.length > 0 && this.chance(0.3)) {
      const from = this.position(type)
      const to = this.position(type, from)
      write(4, from, to - from)
      if (to !== from) type.delete(from, to - from)
      return
    }
    if (isText(type)) return this.textOperation(type, write)
    if (type instanceof Y.XmlHook) return write(13)
    const at = this.int(type.length + 1)
    const xml = type instanceof Y.XmlFragment
    if (xml || this.chance(0.3)) {
      const made = this.newType(xml)
      write(7, at, made.kind, made.name)
      type.insert(at, [made.type])
    } else if (this.chance(0.1)) {
      write(11, at, 'guid')
      type.insert(at, [new Y.Doc({ guid: 'guid' })])
    } else {
      const values = Array.from({ length: 1 + this.int(4) }, () =>
        this.chance(0.2) ? new Uint8Array([this.int(256)]) : this.value())
      write(6, at, ...values)
      type.insert(at, values)
    }
  }

  textOperation (type, write) {
    const at = this.position(type)
    switch (this.int(8)) {
      case 0: case 1: {
        const word = this.pick(words)
        write(0, at, word)
        type.insert(at, word)
        return
      }
      case 2: case 3: {
        const [word, attributes] = [this.pick(words), this.attributes()]
        write(1, at, word, attributes)
        type.insert(at, word, attributes)
        return
      }
      case 4: {
        const embed = { image: this.pick(words) }
        const attributes = this.attributes()
        write(2, at, embed, attributes)
        type.insertEmbed(at, embed, attributes)
        return
      }
      case 5: case 6: {
        const to = this.position(type, at)
        const attributes = this.attributes()
        write(3, at, to - at, attributes)
        type.format(at, to - at, attributes)
        return
      }
      default: {
        const operations = []
        let place = 0
        while (this.chance(0.8)) {
          const next = this.position(type, place)
          const size = next - place
          switch (this.int(4)) {
            case 0:
              operations.push({ insert: this.pick(words), ...(this.chance(0.5) ? { attributes: this.attributes() } : {}) })
              break
            case 1:
              if (size > 0) operations.push({ delete: size })
              place = next
              break
            case 2:
              if (size > 0) operations.push({ retain: size, ...(this.chance(0.5) ? { attributes: this.attributes() } : {}) })
              place = next
              break
            default:
              operations.push({ insert: { image: 'x' }, attributes: this.attributes() })
          }
        }
        write(5, JSON.stringify(operations))
        type.applyDelta(operations)
      }
    }
  }

  keyOperation (type, write) {
    const has = key => type instanceof Y.Map ? type.has(key) : type.getAttribute(key) !== undefined
    const put = (key, value) => type instanceof Y.Map ? type.set(key, value) : type.setAttribute(key, value)
    const key = this.pick(keys)
    if (has(key) && this.chance(0.4)) {
      write(10, key)
      if (type instanceof Y.Map) type.delete(key)
      else type.removeAttribute(key)
    } else if (type instanceof Y.Map && this.chance(0.4)) {
      const made = this.newType(false)
      write(9, key, made.kind, made.name)
      put(key, made.type)
    } else if (type instanceof Y.Map && this.chance(0.1)) {
      write(12, key, 'guid')
      put(key, new Y.Doc({ guid: 'guid' }))
    } else {
      const value = this.chance(0.1) ? new Uint8Array([1, 2]) : type instanceof Y.Map && this.chance(0.1) ? undefined : this.value()
      write(8, key, value)
      put(key, value)
    }
  }

  views () {
    for (const name of Object.keys(roots)) {
      const type = get(this.doc, name)
      encoding.writeVarString(e, type instanceof Y.XmlFragment ? type.toString() : type instanceof Y.Text ? delta(type.toDelta()) : json(type))
    }
  }

  // A new relative position, and where those made before are now.
  positions () {
    const name = this.pick(['text', 'rich', 'array', 'xml'])
    const type = get(this.doc, name)
    const index = this.int(type.length + 1)
    const made = Y.createRelativePositionFromTypeIndex(type, index, this.chance(0.5) ? -1 : 0)
    encoding.writeVarString(e, name)
    encoding.writeVarUint(e, index)
    encoding.writeVarInt(e, made.assoc)
    encoding.writeVarUint8Array(e, Y.encodeRelativePosition(made))
    encoding.writeVarString(e, JSON.stringify(Y.relativePositionToJSON(made)))
    this.places.push(made)
    if (this.places.length > 6) this.places.splice(this.int(6), 1)
    encoding.writeVarUint(e, this.places.length)
    for (const each of this.places) {
      encoding.writeVarUint8Array(e, Y.encodeRelativePosition(each))
      const now = Y.createAbsolutePositionFromRelativePosition(each, this.doc)
      encoding.writeVarUint(e, now === null ? 0 : now.index + 1)
    }
  }

  // What another client sends meanwhile.
  remote () {
    Y.applyUpdate(this.other, Y.encodeStateAsUpdate(this.doc))
    const before = Y.encodeStateVector(this.other)
    this.other.transact(() => {
      for (const name of ['text', 'rich']) {
        const text = this.other.getText(name)
        const at = this.position(text)
        if (this.chance(0.5)) text.insert(at, this.pick(words))
        else text.delete(at, Math.min(this.int(4), text.length - at))
        if (name === 'rich' && this.chance(0.5)) text.format(0, this.position(text), this.attributes())
      }
      this.other.getArray('array').insert(0, [this.value()])
    })
    const update = Y.encodeStateAsUpdate(this.other, before)
    Y.applyUpdate(this.doc, update)
    // yjs cleans up the formats of others on its own, as the same client.
    return update
  }

  run (steps) {
    encoding.writeUint8(e, this.exact ? 1 : 0)
    encoding.writeUint8(e, this.doc.gc ? 1 : 0)
    encoding.writeVarUint(e, this.doc.clientID)
    encoding.writeVarUint(e, steps)
    for (let i = 0; i < steps; ++i) {
      if (i > 0 && this.chance(0.15)) {
        encoding.writeUint8(e, 0)
        this.sent = null
        const update = this.remote()
        encoding.writeVarUint8Array(e, this.sent === null ? update : Y.mergeUpdates([update, this.sent]))
      } else {
        encoding.writeUint8(e, 1)
        this.sent = new Uint8Array(0)
        const operations = 1 + this.int(3)
        encoding.writeVarUint(e, operations)
        this.doc.transact(() => { for (let k = 0; k < operations; ++k) this.operation() })
        encoding.writeVarUint8Array(e, this.sent)
      }
      encoding.writeVarUint8Array(e, Y.encodeStateAsUpdate(this.doc))
      this.views()
      this.positions()
    }
  }
}

for (let i = 0; i < count; ++i) {
  const random = generator(seed * 7919 + i)
  new Session(random, { gc: i % 2 === 0, exact: i % 3 !== 0 }).run(20)
}
writeFileSync(file, encoding.toUint8Array(e))
