// The workloads that the field measures CRDTs with (B1 to B4, after dmonad/crdt-benchmarks), from one seed: every
// engine gets the same edits.
//
// A workload is
//   { name, what, kind: 'writer', edits }               one peer edits, another one follows update by update
//   { name, what, kind: 'pair', base, left, right }     two peers share a base, edit at once, and exchange
//   { name, what, kind: 'crowd', edits }                as many peers as edits; one of them gets all the updates
//   { name, what, kind: 'state', edits, times }         only the document that comes of edits done that many times over
// and an edit is a list of operations of one transaction:
//   ['insert', index, text], ['delete', index, count], ['values', index, values], ['set', key, value]
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

// mulberry32
const generator = seed => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}

class Dice {
  constructor (seed) { this.random = generator(seed) }
  /** An integer from low to high, both included. */
  integer (low, high) { return low + Math.floor(this.random() * (high - low + 1)) }
  word (low, high = low) {
    let word = ''
    for (let left = this.integer(low, high); left > 0; left--) word += String.fromCharCode(97 + this.integer(0, 25))
    return word
  }
  number () { return this.integer(0, 0x7fffffff) }
}

const times = (count, make) => Array.from({ length: count }, (_, i) => make(i))

// Single edits at random places of a text that has `length` units before them.
const atRandom = (dice, count, length, low, high = low) => times(count, () => {
  const text = dice.word(low, high)
  const index = dice.integer(0, length)
  length += text.length
  return [['insert', index, text]]
})

const insertOrDelete = (dice, count, length, both) => {
  const edits = []
  for (let i = 0; i < count; i++) {
    const index = dice.integer(0, length)
    if (both) {
      const text = dice.word(3, 9)
      length += text.length
      edits.push([['insert', index, text]])
    }
    if (index === length || dice.random() < 0.5) {
      const text = dice.word(2, 10)
      length += text.length
      edits.push([['insert', index, text]])
    } else {
      const deleted = dice.integer(1, Math.min(9, length - index))
      length -= deleted
      edits.push([['delete', index, deleted]])
    }
  }
  return edits
}

const writers = {
  'B1.1': ['append n characters', (dice, n) => [...dice.word(n)].map((text, i) => [['insert', i, text]])],
  'B1.2': ['insert a string of n characters', (dice, n) => [[['insert', 0, dice.word(n)]]]],
  'B1.3': ['prepend n characters', (dice, n) => times(n, () => [['insert', 0, dice.word(1)]])],
  'B1.4': ['insert n characters at random', (dice, n) => atRandom(dice, n, 0, 1)],
  'B1.5': ['insert n words at random', (dice, n) => atRandom(dice, n, 0, 2, 10)],
  'B1.6': ['insert a string, delete it', (dice, n) => [[['insert', 0, dice.word(n)]], [['delete', 0, n]]]],
  'B1.7': ['insert and delete strings at random', (dice, n) => insertOrDelete(dice, n, 0, false)],
  'B1.8': ['append n numbers', (dice, n) => times(n, i => [['values', i, [dice.number()]]])],
  'B1.9': ['insert an array of n numbers', (dice, n) => [[['values', 0, times(n, () => dice.number())]]]],
  'B1.10': ['prepend n numbers', (dice, n) => times(n, () => [['values', 0, [dice.number()]]])],
  'B1.11': ['insert n numbers at random', (dice, n) => times(n, i => [['values', dice.integer(0, i), [dice.number()]]])]
}

const baseLength = 100
const pairs = {
  'B2.1': ['two insert a string of n at 0', (dice, n) => [[['insert', 0, dice.word(n)]]]],
  'B2.2': ['two insert n characters at random', (dice, n) => atRandom(dice, n, baseLength, 1)],
  'B2.3': ['two insert n words at random', (dice, n) => atRandom(dice, n, baseLength, 3, 9)],
  'B2.4': ['two insert and delete at random', (dice, n) => insertOrDelete(dice, n, baseLength, true)]
}

const crowds = {
  'B3.1': ['20√n set a number in a map', i => ['set', 'v', i]],
  'B3.2': ['20√n set an object in a map', i => ['set', 'v', { name: String(i), address: 'here' }]],
  'B3.3': ['20√n set a string in a map', (i, clients) => ['set', 'v', String(i).repeat(clients)]],
  'B3.4': ['20√n insert a string in an array', i => ['values', 0, [String(i)]]],
  'B3.5': ['20√n insert a word in a text', i => ['insert', 0, `${i} `]]
}

// B4 as operations: 'WORK1\n', the text before, then for each client a count and (position, deleted, inserted).
const readTrace = path => {
  const raw = readFileSync(path)
  const data = raw[0] === 0x1f ? gunzipSync(raw) : raw
  if (data.subarray(0, 6).toString() !== 'WORK1\n') throw new Error(`${path} is not a trace of operations (WORK1)`)
  let at = 6
  const u32 = () => { at += 4; return data.readUInt32LE(at - 4) }
  const text = length => { at += length; return data.toString('latin1', at - length, at) }
  if (text(u32()) !== '' || u32() !== 1) throw new Error(`${path}: one client and no text before are expected`)
  return times(u32(), () => {
    const index = u32()
    const deleted = u32()
    const inserted = text(u32())
    return [...(deleted ? [['delete', index, deleted]] : []), ...(inserted ? [['insert', index, inserted]] : [])]
  })
}

/** All workloads of size n; those of B4 if there is a trace, cut to a share of it. */
export const workloads = (n, trace, share = 1) => {
  const all = []
  let seed = 1
  for (const [name, [what, edits]] of Object.entries(writers))
    all.push({ name, what, kind: 'writer', edits: edits(new Dice(seed++), n) })
  for (const [name, [what, edits]] of Object.entries(pairs)) {
    const dice = new Dice(seed++)
    const base = [[['insert', 0, dice.word(baseLength)]]]
    // Each side does all of it in one transaction.
    all.push({ name, what, kind: 'pair', base, left: [edits(dice, n).flat()], right: [edits(dice, n).flat()] })
  }
  const clients = 20 * Math.floor(Math.sqrt(n))
  for (const [name, [what, operation]] of Object.entries(crowds))
    all.push({ name, what, kind: 'crowd', edits: times(clients, i => [operation(i, clients)]) })
  if (trace) {
    const edits = readTrace(trace)
    const used = edits.slice(0, Math.ceil(edits.length * share))
    all.push({ name: 'B4', what: 'the editing trace of a paper', kind: 'writer', edits: used })
    all.push({ name: 'B4x100', what: 'B4 a hundred times', kind: 'state', edits: used, times: 100 })
  }
  return all
}
