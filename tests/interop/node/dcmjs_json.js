// dcmjs reads DICOM JSON and writes a file of it ("write JSON OUT"), or gives the JSON of a file ("give IN").
const fs = require("fs");
const dcmjs = require("dcmjs");
dcmjs.log.setLevel("silent");

function withBuffers(dataset) {
  // dcmjs keeps binary values as ArrayBuffers under "Value".
  for (const entry of Object.values(dataset)) {
    if (entry.InlineBinary !== undefined) {
      const data = Buffer.from(entry.InlineBinary, "base64");
      entry.Value = [data.buffer.slice(data.byteOffset, data.byteOffset + data.length)];
      delete entry.InlineBinary;
    }
    if (entry.vr === "SQ") (entry.Value || []).forEach(withBuffers);
    if (entry.Value === undefined) entry.Value = [];
  }
  return dataset;
}

function withBase64(dataset) {
  const found = {};
  for (const [tag, entry] of Object.entries(dataset)) {
    let { vr, Value } = entry;
    if (vr === "SQ") Value = (Value || []).map(withBase64);
    if (Value && Value[0] instanceof ArrayBuffer) {
      found[tag] = { vr, InlineBinary: Buffer.from(Value[0]).toString("base64") };
    } else {
      found[tag] = { vr, Value };
    }
  }
  return found;
}

const [mode, input, output] = process.argv.slice(2);
if (mode === "write") {
  const model = JSON.parse(fs.readFileSync(input, "utf8"));
  const natural = dcmjs.data.DicomMetaDictionary.naturalizeDataset(model);
  const file = new dcmjs.data.DicomDict({ "00020010": { vr: "UI", Value: ["1.2.840.10008.1.2.1"] } });
  file.dict = withBuffers(model);
  fs.writeFileSync(output, Buffer.from(file.write()));
  process.stdout.write(JSON.stringify({ rows: natural.Rows ?? null, name: String(natural.PatientName?.[0]?.Alphabetic ?? natural.PatientName?.Alphabetic ?? "") }));
} else {
  const data = fs.readFileSync(input);
  const buffer = data.buffer.slice(data.byteOffset, data.byteOffset + data.length);
  process.stdout.write(JSON.stringify(withBase64(dcmjs.data.DicomMessage.readFile(buffer).dict)));
}
