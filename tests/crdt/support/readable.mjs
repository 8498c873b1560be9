// Lets yjs read updates that crdt/ accepts: each must be taken, written again in both encodings, read from there, and
// deleted, without an exception. An update that yjs chokes on would shut every client out of its document.
//   node readable.mjs FILE FOLDER
// FILE: a line an update, its name and its hexadecimal bytes; FOLDER: from where yjs is found. Prints what fails.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const [file, folder] = process.argv.slice(2)
const Y = createRequire(join(folder, 'any.mjs'))('yjs')
const shapes = {
  untyped: () => {},
  text: doc => doc.getText('a'),
  array: doc => doc.getArray('a'),
  map: doc => doc.getMap('a'),
  xml: doc => doc.getXmlFragment('a')
}
const erase = new Uint8Array([0, 1, 5, 1, 0, 1])

let failed = 0
for (const line of readFileSync(file, 'utf8').trim().split('\n')) {
  const [name, hex] = line.split('\t')
  const update = new Uint8Array(Buffer.from(hex, 'hex'))
  for (const [shape, declare] of Object.entries(shapes)) {
    try {
      const doc = new Y.Doc()
      declare(doc)
      Y.applyUpdate(doc, update)
      if (doc.store.pendingStructs !== null) throw new Error('something waits')
      const again = new Y.Doc()
      Y.applyUpdate(again, Y.encodeStateAsUpdate(doc))
      Y.applyUpdateV2(new Y.Doc(), Y.encodeStateAsUpdateV2(again))
      Y.applyUpdate(again, erase)
      Y.encodeStateAsUpdate(again)
    } catch (error) {
      failed++
      if (failed <= 20) console.log(`${name} as ${shape}: ${error.message} (${hex})`)
      break
    }
  }
}
if (failed !== 0) console.log(`${failed} updates are not readable`)
process.exit(failed === 0 ? 0 : 1)
