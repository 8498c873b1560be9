// The file format between the oracle (yjs under Node.js) and the C++ test: lib0 values, one case after the other.
// tests/crdt/support/cases.hpp reads it; the two must change together.
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'

export const magic = 'octavo-cases-2'

const byUtf16 = (a, b) => (a < b ? -1 : a > b ? 1 : 0)

// JSON as octavo's renderers print it: keys of shared maps sorted, plain objects in their own order.
export function json (value) {
  if (value === undefined) return 'null'
  if (value === null || typeof value === 'boolean' || typeof value === 'string' || typeof value === 'number') {
    return JSON.stringify(value)
  }
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'))
  if (value instanceof Y.Doc) return `{"guid":${JSON.stringify(value.guid)}}`
  if (value instanceof Y.XmlHook) return jsonOfMap(value)
  if (value instanceof Y.Text || value instanceof Y.XmlFragment) return JSON.stringify(value.toString())
  if (value instanceof Y.Map) return jsonOfMap(value)
  if (value instanceof Y.Array) return '[' + value.toArray().map(json).join(',') + ']'
  if (Array.isArray(value)) return '[' + value.map(json).join(',') + ']'
  return jsonOfEntries(Object.entries(value))
}

function jsonOfMap (map) {
  const entries = [...map.entries()]
  return jsonOfEntries(entries.sort((a, b) => byUtf16(a[0], b[0])))
}

function jsonOfEntries (entries) {
  const members = entries.filter(([, value]) => value !== undefined)
  return '{' + members.map(([key, value]) => JSON.stringify(key) + ':' + json(value)).join(',') + '}'
}

// A delta with sorted attributes, in which neighbours of equal attributes are one.
export function delta (ops) {
  const out = []
  for (const op of ops) {
    const keys = Object.keys(op.attributes ?? {}).sort(byUtf16)
    const attributes = keys.length === 0
      ? ''
      : '{' + keys.map(key => JSON.stringify(key) + ':' + JSON.stringify(op.attributes[key])).join(',') + '}'
    const last = out[out.length - 1]
    if (typeof op.insert === 'string' && last !== undefined && typeof last.insert === 'string' &&
        last.attributes === attributes) {
      last.insert += op.insert
    } else {
      out.push({ insert: op.insert, attributes, embed: typeof op.insert !== 'string' })
    }
  }
  const show = insert => insert instanceof Y.AbstractType ? json(insert) : JSON.stringify(insert)
  return '[' + out.map(op =>
    `{"insert":${show(op.insert)}${op.attributes === '' ? '' : `,"attributes":${op.attributes}`}}`).join(',') + ']'
}

export const readers = {
  text: (doc, name) => [doc.getText(name).toString(), delta(doc.getText(name).toDelta())],
  array: (doc, name) => [json(doc.getArray(name))],
  map: (doc, name) => [json(doc.getMap(name))],
  xml: (doc, name) => [doc.getXmlFragment(name).toString()]
}

// What a fresh document shows that got these updates. Roots are declared only afterwards, so that yjs does not clean up
// their formats on its own.
export function observe (updates, gc, roots) {
  const doc = new Y.Doc({ gc })
  // In a text inside another type yjs does take out marks that say nothing any more, and tells everybody.
  const own = []
  const ownV2 = []
  doc.on('update', (update, origin, _doc, transaction) => {
    if (transaction.local) own.push(update)
  })
  doc.on('updateV2', (update, origin, _doc, transaction) => {
    if (transaction.local) ownV2.push(update)
  })
  for (const update of updates) Y.applyUpdate(doc, update)
  const state = Y.encodeStateAsUpdate(doc)
  const stateV2 = Y.encodeStateAsUpdateV2(doc)
  const vector = Y.encodeStateVector(doc)
  const views = Object.entries(roots).map(([name, kind]) => ({ name, kind, views: readers[kind](doc, name) }))
  return { state, stateV2, vector, views, own, ownV2, pending: doc.store.pendingStructs !== null || doc.store.pendingDs !== null }
}

export class CaseWriter {
  constructor () {
    this.encoder = encoding.createEncoder()
    this.count = 0
  }

  // A document: its updates in causal order, and what they must lead to. `order` is a canonical dump, if there is one.
  document ({ name, gc, updates, updatesV2, seen, order = '' }) {
    const e = this.encoder
    this.count++
    encoding.writeVarString(e, 'document')
    encoding.writeVarString(e, name)
    encoding.writeVarUint(e, gc ? 1 : 0)
    encoding.writeVarUint(e, updates.length)
    for (const update of updates) encoding.writeVarUint8Array(e, update)
    encoding.writeVarUint8Array(e, seen.state)
    encoding.writeVarUint8Array(e, seen.vector)
    encoding.writeVarUint(e, seen.views.length)
    for (const root of seen.views) {
      encoding.writeVarString(e, root.name)
      encoding.writeVarString(e, root.kind)
      encoding.writeVarUint(e, root.views.length)
      for (const view of root.views) encoding.writeVarString(e, view)
    }
    encoding.writeVarString(e, order)
    // Updates in both encodings, the state last.
    for (const [first, second] of this.pairs(updates, updatesV2, seen)) {
      encoding.writeVarUint8Array(e, first)
      encoding.writeVarUint8Array(e, second)
    }
    // What yjs makes of encoded updates without a document. It drops the bit of a key there where the key itself is
    // with the neighbour, so the state without them is given as well.
    const half = Y.encodeStateVectorFromUpdate(Y.mergeUpdates(updates.slice(0, updates.length >> 1)))
    encoding.writeVarUint8Array(e, half)
    encoding.writeVarUint8Array(e, Y.diffUpdate(seen.state, new Uint8Array([0])))
    encoding.writeVarUint8Array(e, Y.diffUpdate(seen.state, half))
    encoding.writeVarUint8Array(e, Y.encodeStateVectorFromUpdate(updates[updates.length >> 1]))
  }

  // As the documents of yjs wrote them; of a recorded document, as yjs converts them.
  pairs (updates, updatesV2, seen) {
    const all = [...updates, seen.state]
    if (updatesV2 !== undefined) {
      const allV2 = [...updatesV2, seen.stateV2]
      return all.map((update, i) => [update, allV2[i]])
    }
    return all.map(update => {
      const second = Y.convertUpdateFormatV1ToV2(update)
      return [Y.convertUpdateFormatV2ToV1(second), second]
    })
  }

  // Bytes of which something simpler is asked: that they are refused, or that they survive a round trip.
  bytes (kind, name, data) {
    this.count++
    encoding.writeVarString(this.encoder, kind)
    encoding.writeVarString(this.encoder, name)
    encoding.writeVarUint8Array(this.encoder, data)
  }

  toBuffer () {
    const head = encoding.createEncoder()
    encoding.writeVarString(head, magic)
    encoding.writeVarUint(head, this.count)
    return Buffer.concat([encoding.toUint8Array(head), encoding.toUint8Array(this.encoder)])
  }
}
