// Lets yjs read updates that crdt/ accepts: each must be taken, written again in both encodings, read from there, and
// deleted, without an exception. An update that yjs chokes on would shut every client out of its document.
// And it must convert between the encodings as yjs does.
//   node readable.mjs FILE FOLDER
// FILE: a line an update, its name and its hexadecimal bytes in encoding 1; or, for a conversion, those in encoding 2 as
// well, and which of the two was there first. FOLDER: from where yjs is found. Prints what fails.
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
function fail (what) {
  failed++
  if (failed <= 20) console.log(what)
}

function checkConversion (name, first, second, original) {
  const converted = original === '1' ? Y.convertUpdateFormatV1ToV2(first) : Y.convertUpdateFormatV2ToV1(second)
  const ours = Buffer.from(original === '1' ? second : first)
  if (!ours.equals(converted)) {
    fail(`${name}: from encoding ${original} yjs makes ${Buffer.from(converted).toString('hex')}, not ${ours.toString('hex')}`)
  }
}

for (const line of readFileSync(file, 'utf8').trim().split('\n')) {
  const [name, hex, secondHex, original] = line.split('\t')
  const update = new Uint8Array(Buffer.from(hex, 'hex'))
  if (original !== undefined) {
    checkConversion(name, update, new Uint8Array(Buffer.from(secondHex, 'hex')), original)
    continue
  }
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
      fail(`${name} as ${shape}: ${error.message} (${hex})`)
      break
    }
  }
}
if (failed !== 0) console.log(`${failed} updates are not as they should be`)
process.exit(failed === 0 ? 0 : 1)
