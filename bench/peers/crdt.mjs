// Measures the CRDTs that octavo's is compared with; bench/run-crdt calls it, once a workload and engine:
//   node crdt.mjs list OPTIONS                         the names of the workloads
//   node crdt.mjs record OPTIONS --work DIR            writes the workloads' updates, as yjs makes them, for bench_crdt
//   node crdt.mjs times OPTIONS --work DIR ENGINE NAME       prints times and sizes as JSON, leaves the encoded state
//   node --expose-gc crdt.mjs memory OPTIONS --work DIR ENGINE NAME     loads that state, prints what it takes
//   node crdt.mjs verify OPTIONS --work DIR NAME       reads the state that octavo left with yjs, and compares
// OPTIONS: --n N, --trace FILE, --share S (of the trace), --limit-s S. Times are those of the processor, so that a busy
// machine does little to them; what a collector or compiler does on other threads is in them. What takes longer than the
// limit is given up (null), and the document is made in one go instead.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import { engines } from './crdt_engines.mjs'
import { workloads } from './crdt_workloads.mjs'

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    n: { type: 'string', default: '6000' },
    trace: { type: 'string' },
    share: { type: 'string', default: '1' },
    work: { type: 'string' },
    'limit-s': { type: 'string', default: '20' }
  }
})
const [command, ...names] = positionals
const all = workloads(Number(options.n), options.trace, Number(options.share))
const stateFile = (name, engine) => `${options.work}/${name}.${engine}.state`

const find = name => {
  const found = all.find(workload => workload.name === name)
  if (!found) throw new Error(`no workload is called ${name}; there are ${all.map(workload => workload.name).join(', ')}`)
  return found
}

const now = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
const limitMs = Number(options['limit-s']) * 1000

class TookTooLong extends Error {}

/** Calls `step` for each of `list`, and throws TookTooLong once that took longer than allowed. */
const each = (list, step) => {
  const start = now()
  list.forEach((item, i) => {
    step(item, i)
    if (i % 64 === 63 && now() - start > limitMs) throw new TookTooLong()
  })
}

/** Every edit, each a transaction; the updates that come of it. */
const editAll = (engine, doc, edits) => {
  const updates = []
  each(edits, edit => updates.push(...engine.edit(doc, edit)))
  return updates
}

/** What each kind of workload is: the local part, and what somebody then gets. Each with its own documents. */
const plans = {
  writer: (engine, { edits }) => ({
    local: () => {
      const doc = engine.create(1)
      return { docs: [doc], before: [], run: () => editAll(engine, doc, edits) }
    }
  }),
  pair: (engine, { base, left, right }) => ({
    local: () => {
      const [one, two] = [engine.create(1), engine.create(2)]
      const before = editAll(engine, one, base)
      for (const update of before) engine.apply(two, update)
      let own = []
      return {
        docs: [one, two],
        get before () { return [...before, ...own] },
        run: () => {
          own = editAll(engine, one, left)
          return editAll(engine, two, right)
        }
      }
    }
  }),
  crowd: (engine, { edits }) => ({
    local: () => {
      const docs = edits.map((_, i) => engine.create(i + 1))
      const run = () => {
        const updates = []
        each(edits, (edit, i) => updates.push(...engine.edit(docs[i], edit)))
        return updates
      }
      return { docs, before: [], run }
    }
  })
}

// Short work is repeated, so that a JIT has seen it; of long work one round is enough.
const rounds = 7
const enoughMs = 500

/** The best of some rounds of `once`, which returns what it took; null if that was too long. */
const best = once => {
  let least = Infinity
  const start = now()
  try {
    for (let i = 0; i < rounds && (i === 0 || now() - start < enoughMs); i++) least = Math.min(least, once())
  } catch (error) {
    if (!(error instanceof TookTooLong)) throw error
    return null
  }
  return least
}

const measure = (engine, workload) => {
  const plan = plans[workload.kind](engine, workload)
  let updates
  let before
  const localMs = best(() => {
    const one = plan.local()
    const start = now()
    const emitted = one.run()
    const taken = now() - start
    updates = emitted
    before = one.before
    one.docs.forEach(engine.free)
    return taken
  })
  if (!updates) {
    if (workload.kind !== 'writer') throw new Error('took longer than the limit')
    const doc = engine.create(1)
    engine.edit(doc, workload.edits.flat())
    return { reader: doc, updates: null, localMs, remoteMs: null }
  }
  let reader
  const fresh = () => {
    if (reader) engine.free(reader)
    reader = engine.create()
    for (const update of before) engine.apply(reader, update)
  }
  const remoteMs = best(() => {
    fresh()
    const start = now()
    each(updates, update => engine.apply(reader, update))
    return now() - start
  })
  if (remoteMs === null) {
    fresh()
    engine.applyAll(reader, updates)
  }
  return { reader, updates, localMs, remoteMs }
}

const timesOfState = (engine, bytes, result) => {
  result.doc_bytes = bytes.length
  let loaded
  result.load_ms = best(() => {
    if (loaded) engine.free(loaded)
    const start = now()
    loaded = engine.load(bytes)
    return now() - start
  })
  // Some leave a document encoded until somebody looks at it.
  result.open_ms = best(() => {
    const start = now()
    const opened = engine.load(bytes)
    engine.content(opened)
    const taken = now() - start
    engine.free(opened)
    return taken
  })
  result.encode_ms = best(() => {
    const start = now()
    engine.encode(loaded)
    return now() - start
  })
  if (engine.encodeV2) {
    result.encode_v2_ms = best(() => {
      const start = now()
      result.doc_v2_bytes = engine.encodeV2(loaded).length
      return now() - start
    })
  }
  return loaded
}

/** The document of a 'state': for Yjs's family the given one, for the others made here, in one transaction a round. */
const stateOf = (engine, engineName, { name, edits, times }) => {
  const given = stateFile(name, 'given')
  if (engineName === 'yjs' || engineName === 'ywasm') return readFileSync(given)
  const doc = engine.create(1)
  const operations = edits.flat()
  for (let i = 0; i < times; i++) engine.edit(doc, operations)
  return engine.encode(doc)
}

const times = async (engineName, name) => {
  const engine = await engines[engineName]()
  const workload = find(name)
  const result = { engine: engineName, name, limit_s: Number(options['limit-s']) }
  let bytes
  if (workload.kind === 'state') {
    bytes = stateOf(engine, engineName, workload)
  } else {
    const { reader, updates, localMs, remoteMs } = measure(engine, workload)
    Object.assign(result, {
      local_ms: localMs,
      remote_ms: remoteMs,
      updates: updates && updates.length,
      update_bytes: updates && updates.reduce((sum, update) => sum + update.length, 0)
    })
    bytes = engine.encode(reader)
    const content = engine.content(reader)
    const loaded = timesOfState(engine, bytes, result)
    if (!isDeepStrictEqual(engine.content(loaded), content)) throw new Error('a loaded document differs')
    const expected = JSON.parse(readFileSync(`${options.work}/${name}.expected`))
    // Which of many concurrent edits wins is each engine's own choice; what a single writer wrote is not.
    if (workload.kind === 'writer' && !isDeepStrictEqual(content, expected)) throw new Error('the content is not that of yjs')
  }
  if (workload.kind === 'state') timesOfState(engine, bytes, result)
  writeFileSync(stateFile(name, engineName), bytes)
  return result
}

const residentBytes = () => {
  for (let i = 0; i < 4; i++) globalThis.gc()
  return process.memoryUsage.rss()
}

// Many copies of small documents: resident memory comes in pages, and the collector's own needs are not the documents'.
const copiesFor = bytes => Math.max(1, Math.min(300, Math.floor(3e6 / (bytes + 1000))))

const memory = async (engineName, name) => {
  const engine = await engines[engineName]()
  const bytes = readFileSync(stateFile(name, engineName))
  const copies = copiesFor(bytes.length)
  // What the first document needs beside itself is not counted. An empty one: memory of WebAssembly is never given back,
  // and what a full one took would be used again unseen.
  engine.free(engine.load(engine.encode(engine.create(1))))
  const before = residentBytes()
  const kept = []
  for (let i = 0; i < copies; i++) kept.push(engine.load(bytes))
  const taken = residentBytes() - before
  if (kept.length !== copies) throw new Error('unreachable')
  return { engine: engineName, name, copies, rss_bytes: Math.round(taken / copies) }
}

const varUint = (out, value) => {
  for (; value > 127; value = Math.floor(value / 128)) out.push(128 | value % 128)
  out.push(value)
}

// NAME.work: how many updates come before the measured ones, how many are measured, then each after its length.
const writeWork = (name, before, updates) => {
  const parts = []
  const head = []
  varUint(head, before.length)
  varUint(head, updates.length)
  parts.push(Uint8Array.from(head))
  for (const update of [...before, ...updates]) {
    const length = []
    varUint(length, update.length)
    parts.push(Uint8Array.from(length), update)
  }
  writeFileSync(`${options.work}/${name}.work`, Buffer.concat(parts))
}

const record = async () => {
  const engine = await engines.yjs()
  for (const workload of all) {
    const { name, kind } = workload
    if (kind === 'state') continue
    if (existsSync(`${options.work}/${name}.work`)) continue
    const one = plans[kind](engine, workload).local()
    const updates = one.run()
    const reader = engine.create()
    for (const update of [...one.before, ...updates]) engine.apply(reader, update)
    writeFileSync(`${options.work}/${name}.expected`, JSON.stringify(engine.content(reader)))
    writeWork(name, one.before, updates)
  }
}

const verify = async name => {
  const engine = await engines.yjs()
  const content = engine.content(engine.load(readFileSync(stateFile(name, 'octavo'))))
  const expected = JSON.parse(readFileSync(`${options.work}/${name}.expected`))
  if (!isDeepStrictEqual(content, expected)) throw new Error(`${name}: what octavo wrote is not what yjs wrote`)
  return { name, good: true }
}

const commands = { times, memory, record, verify, list: () => all.map(({ name, what, kind }) => ({ name, what, kind })) }
if (!commands[command]) throw new Error(`no command is called ${command}; there are ${Object.keys(commands).join(', ')}`)
console.log(JSON.stringify((await commands[command](...names)) ?? {}))
process.exit(0)
