// Writes random documents with everything in them, and what yjs makes of them, for the convergence test of crdt/.
//   node generate.mjs SEED COUNT FILE
// The same seed and count give the same file.
import { writeFileSync } from 'node:fs'
import { CaseWriter, observe } from './cases.mjs'
import { Session, generator, roots } from './session.mjs'

const [seed, count, file] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]]

const writer = new CaseWriter()
for (let i = 0; i < count; ++i) {
  const random = generator(seed * 7919 + i)
  const gc = random() < 0.7
  const session = new Session(random, gc)
  const steps = 5 + Math.floor(random() * (i % 10 === 0 ? 300 : 80))
  // Some steps change nothing; a document of which nobody has written anything says nothing.
  for (let step = 0; step < steps || session.updates.length === 0; ++step) session.step()
  const seen = observe(session.updates, gc, roots)
  if (seen.pending) throw new Error(`document ${i} of seed ${seed} is incomplete in yjs`)
  const updates = [...session.updates, ...seen.own]
  const updatesV2 = [...session.updatesV2, ...seen.ownV2]
  writer.document({ name: `seed ${seed} document ${i}`, gc, updates, updatesV2, seen })
}
writeFileSync(file, writer.toBuffer())
