// The engines that octavo's CRDT is compared with, behind one face:
//   create(number)        an empty document of peer `number`
//   edit(doc, operations) one transaction; returns the updates that it emits
//   apply(doc, update)
//   applyAll(doc, updates)   all of them in the engine's own way for many, if it has one
//   encode(doc), load(bytes)
//   content(doc)          { text, values, map }, to compare
//   free(doc)
// A document's parts are a text, a list and a map.

// Fixed 32-bit ids, as large on the wire as random ones.
const clientId = number => 0x80000000 + number * 1013904223 % 0x7fffffff

const yjs = async () => {
  const Y = await import('yjs')
  const run = {
    insert: (doc, [index, text]) => doc.text.insert(index, text),
    delete: (doc, [index, count]) => doc.text.delete(index, count),
    values: (doc, [index, values]) => doc.values.insert(index, values),
    set: (doc, [key, value]) => doc.map.set(key, value)
  }
  const create = number => {
    const inner = new Y.Doc()
    if (number !== undefined) inner.clientID = clientId(number)
    const doc = { inner, text: inner.getText('text'), values: inner.getArray('values'), map: inner.getMap('map') }
    doc.emitted = []
    inner.on('update', (update, origin) => { if (origin !== 'remote') doc.emitted.push(update) })
    return doc
  }
  const apply = (doc, update) => Y.applyUpdate(doc.inner, update, 'remote')
  return {
    create,
    edit: (doc, operations) => {
      doc.emitted = []
      doc.inner.transact(() => { for (const [kind, ...rest] of operations) run[kind](doc, rest) })
      return doc.emitted
    },
    apply,
    encode: doc => Y.encodeStateAsUpdate(doc.inner),
    encodeV2: doc => Y.encodeStateAsUpdateV2(doc.inner),
    load: bytes => { const doc = create(); apply(doc, bytes); return doc },
    content: doc => ({ text: doc.text.toString(), values: doc.values.toJSON(), map: doc.map.toJSON() }),
    free: doc => doc.inner.destroy()
  }
}

const ywasm = async () => {
  const module = await import('ywasm')
  const Y = module.default ?? module
  const run = {
    insert: (doc, t, [index, text]) => doc.text.insert(index, text, undefined, t),
    delete: (doc, t, [index, count]) => doc.text.delete(index, count, t),
    values: (doc, t, [index, values]) => doc.values.insert(index, values, t),
    set: (doc, t, [key, value]) => doc.map.set(key, value, t)
  }
  const create = number => {
    const inner = new Y.YDoc(number === undefined ? {} : { clientID: clientId(number) })
    const doc = { inner, text: inner.getText('text'), values: inner.getArray('values'), map: inner.getMap('map') }
    doc.emitted = []
    doc.observer = number === undefined ? null : inner.onUpdate(update => doc.emitted.push(update))
    return doc
  }
  const apply = (doc, update) => Y.applyUpdate(doc.inner, update, undefined)
  return {
    create,
    edit: (doc, operations) => {
      doc.emitted = []
      const transaction = doc.inner.beginTransaction(undefined)
      try {
        for (const [kind, ...rest] of operations) run[kind](doc, transaction, rest)
      } finally {
        transaction.free()
      }
      return doc.emitted
    },
    apply,
    encode: doc => Y.encodeStateAsUpdate(doc.inner),
    encodeV2: doc => Y.encodeStateAsUpdateV2(doc.inner),
    load: bytes => { const doc = create(); apply(doc, bytes); return doc },
    content: doc => ({
      text: doc.text.toString(undefined), values: doc.values.toJson(undefined), map: doc.map.toJson(undefined)
    }),
    free: doc => {
      for (const each of [doc.observer, doc.text, doc.values, doc.map, doc.inner]) each?.free()
    }
  }
}

const loro = async () => {
  const { LoroDoc } = await import('loro-crdt')
  const run = {
    insert: (doc, [index, text]) => doc.text.insert(index, text),
    delete: (doc, [index, count]) => doc.text.delete(index, count),
    values: (doc, [index, values]) => values.forEach((value, i) => doc.values.insert(index + i, value)),
    set: (doc, [key, value]) => doc.map.set(key, value)
  }
  const wrap = inner => ({ inner, text: inner.getText('text'), values: inner.getList('values'), map: inner.getMap('map') })
  return {
    create: number => {
      const inner = new LoroDoc()
      if (number !== undefined) inner.setPeerId(BigInt(clientId(number)))
      const doc = wrap(inner)
      doc.emitted = []
      doc.unsubscribe = inner.subscribeLocalUpdates(update => doc.emitted.push(update))
      return doc
    },
    edit: (doc, operations) => {
      doc.emitted = []
      for (const [kind, ...rest] of operations) run[kind](doc, rest)
      doc.inner.commit()
      return doc.emitted
    },
    apply: (doc, update) => doc.inner.import(update),
    applyAll: (doc, updates) => doc.inner.importBatch(updates),
    encode: doc => doc.inner.export({ mode: 'snapshot' }),
    load: bytes => wrap(LoroDoc.fromSnapshot(bytes)),
    content: doc => ({ text: doc.text.toString(), values: doc.values.toJSON(), map: doc.map.toJSON() }),
    free: doc => {
      doc.unsubscribe?.()
      for (const each of [doc.text, doc.values, doc.map, doc.inner]) each.free()
    }
  }
}

const automerge = async () => {
  const A = await import('@automerge/automerge')
  const actor = number => clientId(number).toString(16).padStart(32, '0')
  // All peers begin with the same empty parts, or these would be conflicting ones.
  const seed = A.save(A.change(A.init({ actor: actor(1000000) }), doc => {
    doc.text = ''
    doc.values = []
    doc.map = {}
  }))
  const run = {
    insert: (doc, [index, text]) => A.splice(doc, ['text'], index, 0, text),
    delete: (doc, [index, count]) => A.splice(doc, ['text'], index, count),
    values: (doc, [index, values]) => doc.values.insertAt(index, ...values),
    set: (doc, [key, value]) => { doc.map[key] = value }
  }
  const create = number => ({ inner: A.load(seed, number === undefined ? {} : { actor: actor(number) }) })
  return {
    create,
    edit: (doc, operations) => {
      doc.inner = A.change(doc.inner, draft => { for (const [kind, ...rest] of operations) run[kind](draft, rest) })
      return [A.getLastLocalChange(doc.inner)]
    },
    apply: (doc, update) => { [doc.inner] = A.applyChanges(doc.inner, [update]) },
    applyAll: (doc, updates) => { [doc.inner] = A.applyChanges(doc.inner, updates) },
    encode: doc => A.save(doc.inner),
    load: bytes => ({ inner: A.load(bytes) }),
    content: doc => {
      const { text, values, map } = A.toJS(doc.inner)
      return { text, values, map }
    },
    free: doc => A.free(doc.inner)
  }
}

export const engines = { yjs, ywasm, loro, automerge }
