// Random documents with versions of them: what yjs says of each version, and of the changes between two. For the test of
// history against yjs (tests/crdt/history_oracle_test.cpp, which reads this format).
//   node history.mjs write SEED COUNT FILE
//   node history.mjs check FILE          documents with what they must show, written by the test
import { readFileSync, writeFileSync } from 'node:fs'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import { readers } from './cases.mjs'
import { Session, generator, roots } from './session.mjs'

const byUtf16 = (a, b) => (a < b ? -1 : a > b ? 1 : 0)
const views = doc => Object.entries(roots).map(([name, kind]) => ({ name, kind, views: readers[kind](doc, name) }))

// Runs as lines: what happened, who wrote it (of what was not kept), its formats (of what is in the newer version), text.
function changes (ops) {
  const out = []
  for (const op of ops) {
    const attributes = { ...op.attributes }
    const { type = 'kept', user = '' } = typeof op.insert === 'string' ? attributes.ychange ?? {} : {}
    delete attributes.ychange
    const keys = Object.keys(attributes).sort(byUtf16)
    const formats = type === 'removed'
      ? ''
      : keys.map(key => JSON.stringify(key) + ':' + JSON.stringify(attributes[key])).join(',')
    const head = `${type} ${user} {${formats}} `
    const last = out[out.length - 1]
    if (typeof op.insert !== 'string') out.push({ head: 'embed', text: '' })
    else if (last !== undefined && last.head === head) last.text += op.insert
    else out.push({ head, text: op.insert })
  }
  return out.map(run => run.head + run.text).join('\n')
}

function writeViews (e, doc) {
  const all = views(doc)
  encoding.writeVarUint(e, all.length)
  for (const root of all) {
    encoding.writeVarString(e, root.name)
    encoding.writeVarString(e, root.kind)
    encoding.writeVarUint(e, root.views.length)
    for (const view of root.views) encoding.writeVarString(e, view)
  }
}

function write (seed, count, file) {
  const e = encoding.createEncoder()
  encoding.writeVarString(e, 'octavo-history-1')
  encoding.writeVarUint(e, count)
  for (let i = 0; i < count; ++i) {
    const random = generator(seed * 6007 + i)
    const session = new Session(random, random() < 0.5)
    const steps = 10 + Math.floor(random() * (i % 10 === 0 ? 250 : 80))
    for (let step = 0; step < steps; ++step) session.step()

    // A document that keeps everything; what yjs tidies up on its own in it is part of the log.
    const log = []
    const versions = []
    const doc = new Y.Doc({ gc: false })
    doc.on('update', (update, origin, _doc, transaction) => { if (transaction.local) log.push(update) })
    for (const update of session.updates) {
      log.push(update)
      Y.applyUpdate(doc, update)
      if (random() < 6 / session.updates.length) versions.push({ seq: log.length, snapshot: Y.snapshot(doc) })
    }
    versions.unshift({ seq: 0, snapshot: Y.emptySnapshot })
    versions.push({ seq: log.length, snapshot: Y.snapshot(doc) })

    encoding.writeVarUint(e, log.length)
    for (const update of log) encoding.writeVarUint8Array(e, update)
    encoding.writeVarUint(e, versions.length)
    for (const { seq, snapshot } of versions) {
      encoding.writeVarUint(e, seq)
      encoding.writeVarUint8Array(e, Y.encodeSnapshot(snapshot))
      encoding.writeVarUint8Array(e, Y.encodeSnapshotV2(snapshot))
      let tidied = false
      const made = new Y.Doc()
      made.on('update', (update, origin, _doc, transaction) => { tidied ||= transaction.local })
      Y.createDocFromSnapshot(doc, snapshot, made)
      encoding.writeVarUint8Array(e, tidied ? new Uint8Array() : Y.encodeStateAsUpdate(made))
      const contains = log.map(update => Y.snapshotContainsUpdate(snapshot, update))
      for (const each of contains) encoding.writeVarUint(e, each ? 1 : 0)
      writeViews(e, made)
    }
    for (let to = 1; to < versions.length; ++to) {
      for (const name of ['text', 'rich']) {
        const who = (type, id) => ({ type, user: id.client })
        const ops = doc.getText(name).toDelta(versions[to].snapshot, versions[to - 1].snapshot, who)
        encoding.writeVarString(e, changes(ops))
      }
    }
  }
  writeFileSync(file, encoding.toUint8Array(e))
}

// Each document: its updates, and the views that it must have.
function check (file) {
  const d = decoding.createDecoder(readFileSync(file))
  let bad = 0
  for (let i = 0; decoding.hasContent(d); ++i) {
    const doc = new Y.Doc()
    for (let n = decoding.readVarUint(d); n > 0; --n) Y.applyUpdate(doc, decoding.readVarUint8Array(d))
    const wanted = decoding.readVarString(d)
    const seen = views(doc).map(root => `${root.name}: ${root.views.join(' ')}`).join('\n')
    if (doc.store.pendingStructs !== null || doc.store.pendingDs !== null) console.error(`document ${i}: something waits`)
    else if (seen !== wanted) console.error(`document ${i} shows\n${seen}\nnot\n${wanted}`)
    else continue
    ++bad
  }
  return bad
}

const [what, ...rest] = process.argv.slice(2)
if (what === 'write') write(Number(rest[0]), Number(rest[1]), rest[2])
else process.exit(check(rest[0]) === 0 ? 0 : 1)
