package stasis.image;

import static java.lang.constant.ConstantDescs.CD_Boolean;
import static java.lang.constant.ConstantDescs.CD_Integer;
import static java.lang.constant.ConstantDescs.CD_Long;
import static java.lang.constant.ConstantDescs.CD_Object;
import static java.lang.constant.ConstantDescs.CD_String;
import static java.lang.constant.ConstantDescs.CD_boolean;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;
import static java.lang.constant.ConstantDescs.CD_void;

import java.lang.classfile.ClassFile;
import java.lang.classfile.CodeBuilder;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Modifier;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;

/// One small class per record instead of method handles: those would make the VM spin several classes for every
/// constructor shape, three times the time of a cold start. The build has them written beside the records
/// ([AccessWriter]), because only classes that lie in a jar go into a start-up cache; where it has not, or has for what
/// the record was before, they are hidden classes, made here.
final class AccessGenerator {
  private static final ClassDesc INTERFACE = ClassDesc.of(RecordAccess.class.getName());
  /// Primitive type to its box, and the box's method that gives the primitive back.
  private static final Map<Class<?>, Box> BOXES = Map.of(
      int.class, new Box(CD_int, CD_Integer, "intValue"),
      long.class, new Box(CD_long, CD_Long, "longValue"),
      boolean.class, new Box(CD_boolean, CD_Boolean, "booleanValue"));

  private final MethodHandles.Lookup lookup;

  private record Box(ClassDesc primitive, ClassDesc box, String unboxing) {}

  AccessGenerator(MethodHandles.Lookup lookup) {
    this.lookup = lookup;
  }

  /// @throws IllegalArgumentException when the lookup's class could not name the record
  RecordAccess access(Class<?> type) {
    try {
      lookup.accessClass(type);
      if (Modifier.isPrivate(type.getModifiers()) && type.getNestHost() != lookup.lookupClass().getNestHost()) {
        throw new IllegalAccessException(type.getName() + " is private");
      }
      Optional<RecordAccess> written = written(type);
      if (written.isPresent()) {
        return written.get();
      }
      String name = lookup.lookupClass().getPackageName() + "." + type.getSimpleName() + "Access";
      MethodHandles.Lookup hidden =
          lookup.defineHiddenClass(bytes(type, name), true, MethodHandles.Lookup.ClassOption.NESTMATE);
      return instance(hidden, hidden.lookupClass());
    } catch (IllegalAccessException e) {
      throw new IllegalArgumentException(type.getName() + " is not visible to its lookup", e);
    }
  }

  private Optional<RecordAccess> written(Class<?> type) throws IllegalAccessException {
    try {
      return Optional.of(instance(lookup, lookup.findClass(writtenName(type))))
          .filter(access -> access.shape().equals(shape(type)));
    } catch (ClassNotFoundException e) {
      return Optional.empty();
    }
  }

  static String writtenName(Class<?> type) {
    return type.getName() + "$$Access";
  }

  /// By handle: core reflection would want the record's package exported to us.
  private static RecordAccess instance(MethodHandles.Lookup lookup, Class<?> generated) {
    try {
      return (RecordAccess) lookup.findConstructor(generated, MethodType.methodType(void.class))
          .asType(MethodType.methodType(RecordAccess.class)).invokeExact();
    } catch (Throwable e) {
      throw new AssertionError("a generated class has a constructor", e);
    }
  }

  /// Names and types of the components: what a class was generated for.
  private static String shape(Class<?> type) {
    StringBuilder shape = new StringBuilder();
    for (RecordComponent component : type.getRecordComponents()) {
      shape.append(component.getName()).append(component.getType().descriptorString()).append(' ');
    }
    return shape.toString();
  }

  static byte[] bytes(Class<?> type, String name) {
    RecordComponent[] components = type.getRecordComponents();
    return ClassFile.of().build(ClassDesc.of(name), built -> {
      built.withFlags(ClassFile.ACC_FINAL | ClassFile.ACC_SUPER | ClassFile.ACC_PUBLIC);
      built.withInterfaceSymbols(INTERFACE);
      built.withMethodBody("<init>", MethodTypeDesc.of(CD_void), ClassFile.ACC_PUBLIC, code ->
          code.aload(0).invokespecial(CD_Object, "<init>", MethodTypeDesc.of(CD_void)).return_());
      built.withMethodBody("components", MethodTypeDesc.of(CD_Object.arrayType(), CD_Object), ClassFile.ACC_PUBLIC,
          code -> takeApart(code, type, components));
      built.withMethodBody("construct", MethodTypeDesc.of(CD_Object, CD_Object.arrayType()), ClassFile.ACC_PUBLIC,
          code -> putTogether(code, type, components));
      built.withMethodBody("shape", MethodTypeDesc.of(CD_String), ClassFile.ACC_PUBLIC,
          code -> code.loadConstant(shape(type)).areturn());
    });
  }

  private static void takeApart(CodeBuilder code, Class<?> type, RecordComponent[] components) {
    code.loadConstant(components.length).anewarray(CD_Object);
    for (int i = 0; i < components.length; i++) {
      ClassDesc part = describe(components[i].getType());
      code.dup().loadConstant(i).aload(1).checkcast(describe(type))
          .invokevirtual(describe(type), components[i].getName(), MethodTypeDesc.of(part));
      Box box = BOXES.get(components[i].getType());
      if (box != null) {
        code.invokestatic(box.box(), "valueOf", MethodTypeDesc.of(box.box(), box.primitive()));
      }
      code.aastore();
    }
    code.areturn();
  }

  private static void putTogether(CodeBuilder code, Class<?> type, RecordComponent[] components) {
    code.new_(describe(type)).dup();
    for (int i = 0; i < components.length; i++) {
      code.aload(1).loadConstant(i).aaload();
      Box box = BOXES.get(components[i].getType());
      if (box == null) {
        code.checkcast(describe(components[i].getType()));
      } else {
        code.checkcast(box.box()).invokevirtual(box.box(), box.unboxing(), MethodTypeDesc.of(box.primitive()));
      }
    }
    ClassDesc[] parameters =
        Arrays.stream(components).map(part -> describe(part.getType())).toArray(ClassDesc[]::new);
    code.invokespecial(describe(type), "<init>", MethodTypeDesc.of(CD_void, parameters)).areturn();
  }

  private static ClassDesc describe(Class<?> type) {
    return type.describeConstable().orElseThrow();
  }
}
