import { LexicalCollaboration } from "@lexical/react/LexicalCollaborationContext";
import { CollaborationPlugin } from "@lexical/react/LexicalCollaborationPlugin";
import { LexicalComposer } from "@lexical/react/LexicalComposer";
import { ContentEditable } from "@lexical/react/LexicalContentEditable";
import { LexicalErrorBoundary } from "@lexical/react/LexicalErrorBoundary";
import { RichTextPlugin } from "@lexical/react/LexicalRichTextPlugin";
import { createRoot } from "react-dom/client";
import * as Y from "yjs";

export function mount(element, { connect, name, user }) {
  const provider_factory = (id, docs) => {
    const doc = docs.get(id) ?? new Y.Doc();
    docs.set(id, doc);
    return connect(id, doc, { connect: false });
  };
  const config = {
    namespace: "bed",
    editorState: null,
    onError: (error) => {
      throw error;
    },
  };
  createRoot(element).render(
    <LexicalCollaboration>
      <LexicalComposer initialConfig={config}>
        <RichTextPlugin contentEditable={<ContentEditable />} ErrorBoundary={LexicalErrorBoundary} />
        <CollaborationPlugin
          id={name}
          providerFactory={provider_factory}
          shouldBootstrap={false}
          username={user.name}
          cursorColor={user.color}
        />
      </LexicalComposer>
    </LexicalCollaboration>,
  );
  return () => element.querySelector("[contenteditable]")?.textContent ?? "";
}
