// Random editing with real yjs: a few peers with everything in their documents, who hear of each other late.
import * as Y from 'yjs'

// mulberry32: small, seeded, good enough to choose edits.
export function generator (state) {
  return () => {
    state = (state + 0x6D2B79F5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export const roots = { text: 'text', rich: 'text', array: 'array', map: 'map', xml: 'xml' }
const words = ['a', 'bc', 'hello ', '😀', '日本', '👩‍👦', 'ß\n', '\u0000', 'x'.repeat(40), 'é', '𐍈𐍈', '"\\']
const keys = ['one', 'two', 'ключ', '😀', '', '__proto__', '\uffff']
const marks = ['bold', 'em', 'link', '字']

export class Session {
  constructor (random, gc) {
    this.random = random
    this.gc = gc
    this.updates = []
    this.updatesV2 = []
    this.peers = []
    for (let i = 0, n = 2 + this.int(3); i < n; ++i) this.addPeer()
  }

  int (n) { return Math.floor(this.random() * n) }
  pick (list) { return list[this.int(list.length)] }
  chance (p) { return this.random() < p }

  addPeer () {
    const doc = new Y.Doc({ gc: this.gc })
    doc.clientID = this.chance(0.3)
      ? Number.MAX_SAFE_INTEGER - this.int(5) - this.peers.length * 10
      : this.int(4294967296) + this.peers.length
    const peer = { doc, seen: 0, undo: null }
    doc.on('update', (update, origin, _doc, transaction) => {
      if (transaction.local) this.updates.push(update)
    })
    doc.on('updateV2', (update, origin, _doc, transaction) => {
      if (transaction.local) this.updatesV2.push(update)
    })
    for (const [name, kind] of Object.entries(roots)) {
      if (kind === 'text') doc.getText(name)
      if (kind === 'array') doc.getArray(name)
      if (kind === 'map') doc.getMap(name)
      if (kind === 'xml') doc.getXmlFragment(name)
    }
    if (this.chance(0.4)) {
      peer.undo = new Y.UndoManager([doc.getText('rich'), doc.getText('text'), doc.getMap('map')], { captureTimeout: 0 })
    }
    this.peers.push(peer)
  }

  value (depth = 0) {
    switch (this.int(depth < 3 ? 13 : 10)) {
      case 0: return this.int(100) - 50
      case 1: return this.random() * 1e9
      case 2: return 0.5 * this.int(9)
      case 3: return this.pick(words)
      case 4: return this.chance(0.5)
      case 5: return null
      case 6: return -0
      case 7: return this.pick([2 ** 31, -(2 ** 40), 1e300, 5e-324, Number.MAX_SAFE_INTEGER, 1.5e21, 1e-7])
      case 8: return this.int(3) === 0 ? NaN : Infinity
      case 9: return ''
      case 10: return Array.from({ length: this.int(4) }, () => this.value(depth + 1))
      default: {
        const object = {}
        for (let i = 0, n = this.int(4); i < n; ++i) {
          // JavaScript loses a member of this name when it decodes a plain object; as a key of a Y.Map it is ordinary.
          const key = this.pick(keys)
          if (key !== '__proto__') object[key] = this.value(depth + 1)
        }
        return object
      }
    }
  }

  content () {
    switch (this.int(12)) {
      case 0: return new Y.Text(this.pick(words))
      case 1: return Y.Array.from([this.value(), this.value()])
      case 2: {
        const map = new Y.Map()
        map.set(this.pick(keys), this.value())
        if (this.chance(0.3)) map.set('nested', new Y.Map())
        return map
      }
      case 3: return new Uint8Array([this.int(256), this.int(256), this.int(256)].slice(this.int(4)))
      case 4: return new Y.Doc({ guid: 'sub-' + this.int(1000), autoLoad: this.chance(0.5) })
      case 5: return new Y.XmlElement('Box')
      default: return this.value()
    }
  }

  attributes () {
    const out = {}
    for (let i = 0, n = 1 + this.int(2); i < n; ++i) {
      out[this.pick(marks)] = this.pick([true, null, null, { href: 'x', n: 1 }, 'blue', 3])
    }
    return out
  }

  editText (text, rich) {
    const at = this.int(text.length + 1)
    const length = Math.min(this.int(6), text.length - at)
    switch (this.int(rich ? 7 : 3)) {
      case 0: text.delete(at, length); break
      case 1: case 2: text.insert(at, this.pick(words)); break
      case 3: text.insert(at, this.pick(words), this.attributes()); break
      case 4: if (length > 0) text.format(at, length, this.attributes()); break
      case 5: text.insertEmbed(at, this.chance(0.8) ? { image: this.pick(words) } : new Y.Map([['k', 1]])); break
      default: text.applyDelta([{ retain: at }, { insert: this.pick(words), attributes: this.attributes() }])
    }
  }

  editArray (array) {
    const at = this.int(array.length + 1)
    const safe = value => typeof value === 'bigint' || value === undefined ? 0 : value
    if (this.chance(0.35) && array.length > 0) {
      array.delete(Math.min(at, array.length - 1), 1)
    } else {
      array.insert(at, Array.from({ length: 1 + this.int(3) }, () => safe(this.content())))
    }
  }

  editMap (map) {
    const key = this.pick(keys)
    if (this.chance(0.25)) map.delete(key)
    else map.set(key, this.chance(0.1) ? this.pick([undefined, 12345678901234567890n & 0x7fffffffffffffffn]) : this.content())
  }

  editXml (fragment) {
    const at = this.int(fragment.length + 1)
    switch (this.int(5)) {
      case 0: if (fragment.length > 0) fragment.delete(Math.min(at, fragment.length - 1), 1); break
      case 1: fragment.insert(at, [new Y.XmlText(this.pick(words))]); break
      case 2: {
        const hook = new Y.XmlHook('hook')
        hook.set(this.pick(keys), 1)
        fragment.insert(at, [hook])
        break
      }
      default: {
        const element = new Y.XmlElement(this.pick(['p', 'Heading', 'LI']))
        element.setAttribute(this.pick(['class', 'data-x', 'level']), this.pick(['a', 'b"', 3, true, null, { x: 1 }, [1, [2, null]]]))
        fragment.insert(at, [element])
      }
    }
  }

  // Some type below a root, found by a random walk.
  descend (type) {
    for (let i = 0; i < 4 && this.chance(0.7); ++i) {
      const children = []
      for (let item = type._start; item !== null; item = item.right) {
        if (!item.deleted && item.content instanceof Y.ContentType) children.push(item.content.type)
      }
      type._map.forEach(item => {
        if (!item.deleted && item.content instanceof Y.ContentType) children.push(item.content.type)
      })
      if (children.length === 0) return type
      type = this.pick(children)
    }
    return type
  }

  edit (doc) {
    const type = this.descend(this.pick([doc.getText('text'), doc.getText('rich'), doc.getText('rich'),
      doc.getArray('array'), doc.getMap('map'), doc.getXmlFragment('xml')]))
    if (type instanceof Y.XmlText || type instanceof Y.Text) this.editText(type, type !== doc.getText('text'))
    else if (type instanceof Y.Array) this.editArray(type)
    else if (type instanceof Y.Map) this.editMap(type)
    else if (type instanceof Y.XmlFragment) {
      if (type instanceof Y.XmlElement && this.chance(0.3)) {
        type.setAttribute(this.pick(['class', 'level']), this.pick(['z', 1]))
      } else this.editXml(type)
    }
  }

  step () {
    const peer = this.pick(this.peers)
    if (this.chance(0.3)) {
      // Delivery: some of what the peer has not seen yet, in order.
      const until = peer.seen + 1 + this.int(this.updates.length - peer.seen + 1)
      for (; peer.seen < Math.min(until, this.updates.length); ++peer.seen) Y.applyUpdate(peer.doc, this.updates[peer.seen])
    } else if (peer.undo !== null && this.chance(0.15)) {
      if (this.chance(0.6)) peer.undo.undo()
      else peer.undo.redo()
    } else if (this.chance(0.3)) {
      peer.doc.transact(() => { for (let i = 0, n = 1 + this.int(4); i < n; ++i) this.edit(peer.doc) })
    } else if (this.chance(0.4)) {
      // Typing: consecutive inserts that become one item.
      const text = peer.doc.getText('text')
      let at = this.int(text.length + 1)
      for (let i = 0, n = 1 + this.int(6); i < n; ++i) {
        const word = this.pick(words)
        text.insert(at, word)
        at += word.length
      }
    } else {
      this.edit(peer.doc)
    }
  }
}
